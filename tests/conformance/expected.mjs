// What is expected of the suite, as a text that a person can edit. A line is a test, its result, and the reason:
//
//     age-parse-float  fail  RFC 9111 section 5.1 ...
//
// The section of all profiles has each required or optimal test that is not simply passed, and each check. The section of
// a profile has what differs there. Lines that begin with `#` and empty ones are for readers.

import fs from 'node:fs'

/** Stands where a reason is still to be given. */
export const WITHOUT_REASON = '?'

const EXCEPTIONS = 'all profiles'
const CHECKS = 'checks'
const HEAD = `# What the suite says about plimsoll: test, result, reason. tests/conformance/run.mjs compares each run with it, and
# \`--update\` writes it anew with the reasons that are here.
#
# Results: pass, fail; yes, no (a check only asks what a cache does); dependency (a test that it depends on was not
# passed, so it says nothing); setup (it could not be set up, so it says nothing).
`
const INTRODUCTIONS = {
  [EXCEPTIONS]: 'Required and optimal tests that are not simply passed, under every profile.',
  [CHECKS]: 'Questions without a right answer, and what plimsoll does. A reason stands where one is of use.'
}

export class Expected {
  // Section -> id -> { word, reason }.
  #sections

  constructor (sections) {
    this.#sections = sections
  }

  static read (file) {
    const sections = new Map([[EXCEPTIONS, new Map()], [CHECKS, new Map()]])
    let section
    const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []
    for (const [index, line] of lines.entries()) {
      const title = line.match(/^\[(?:profile )?(.+)\]$/)
      const entry = line.match(/^(\S+)\s+(\S+)(?:\s+(.*\S))?\s*$/)
      if (line.trim() === '' || line.startsWith('#')) continue
      if (title !== null) {
        section = title[1]
        if (!sections.has(section)) sections.set(section, new Map())
      } else if (entry !== null && section !== undefined && !sections.get(section).has(entry[1])) {
        const [, id, word, reason = ''] = entry
        sections.get(section).set(id, { word, reason })
      } else {
        throw new Error(`${file}:${index + 1}: not a test, its result and its reason, or there twice: ${line}`)
      }
    }
    return new Expected(sections)
  }

  /** The result that is expected of a test. */
  #word (profile, test) {
    const own = this.#sections.get(profile)?.get(test.id)
    const common = this.#sections.get(test.kind === 'check' ? CHECKS : EXCEPTIONS).get(test.id)
    return (own ?? common)?.word ?? (test.kind === 'check' ? 'nothing' : 'pass')
  }

  /** Each result that is not as expected, and each line about a test that there is not. */
  differences (profile, found) {
    const differences = []
    for (const test of found.tests.values()) {
      const [word, instead] = [found.word(test.id), this.#word(profile, test)]
      if (word !== instead) differences.push({ id: test.id, word, instead })
    }
    for (const section of [EXCEPTIONS, CHECKS, profile]) {
      for (const [id, { word }] of this.#sections.get(section) ?? []) {
        if (!found.tests.has(id)) differences.push({ id, word: 'no such test', instead: word })
      }
    }
    return differences
  }

  /**
   * What would be expected if these results were right. The first profile fills the sections of all; another one has what
   * differs from them. A reason stays with its test for as long as the result is the same.
   */
  updated (profile, found, isFirst) {
    const old = this.#sections
    const sections = new Map(old)
    const write = (section, test, word) => {
      const known = old.get(section)?.get(test.id)
      const none = section === CHECKS ? '' : WITHOUT_REASON
      sections.get(section).set(test.id, { word, reason: known?.word === word ? known.reason : none })
    }
    for (const section of isFirst ? [EXCEPTIONS, CHECKS] : [profile]) sections.set(section, new Map())
    const updated = new Expected(sections)
    for (const test of found.tests.values()) {
      const word = found.word(test.id)
      const section = test.kind === 'check' ? CHECKS : EXCEPTIONS
      if (word !== updated.#word(profile, test)) write(isFirst ? section : profile, test, word)
    }
    return updated
  }

  /** The tests whose line lacks the reason that it needs. */
  withoutReason () {
    return [...this.#sections].flatMap(([section, entries]) =>
      [...entries].filter(([, { reason }]) => reason === WITHOUT_REASON || (section !== CHECKS && reason === ''))
        .map(([id]) => id))
  }

  text () {
    const parts = [HEAD]
    for (const [section, entries] of this.#sections) {
      const profile = INTRODUCTIONS[section] === undefined
      const title = profile ? `profile ${section}` : section
      const introduction = INTRODUCTIONS[section] ?? 'What differs under this profile.'
      const width = Math.max(0, ...[...entries.keys()].map(id => id.length))
      const words = Math.max(0, ...[...entries.values()].map(({ word }) => word.length))
      const lines = [...entries].map(([id, { word, reason }]) =>
        `${id.padEnd(width)}  ${word.padEnd(words)}  ${reason}`.trimEnd())
      parts.push([`[${title}]`, `# ${introduction}`, ...lines, ''].join('\n'))
    }
    return parts.join('\n')
  }
}
