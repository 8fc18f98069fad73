//! Tests of the decision, one file for each question.
