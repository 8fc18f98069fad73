// The suite's tests, and what their results mean in its own words.

import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** All suites of tests, the one of Surrogate-Control included, as the suite's own command line runs them. */
export async function allSuites (folder) {
  const load = async name => (await import(pathToFileURL(path.join(folder, name)))).default
  return [...await load('tests/index.mjs'), await load('tests/surrogate-control.mjs')]
}

/** All tests that apply to a proxy, by their ids, in the suite's order. */
export async function loadTests (folder) {
  const suites = await allSuites(folder)
  const tests = suites.flatMap(suite => suite.tests.map(test => ({
    id: test.id,
    suite: suite.id,
    kind: test.kind ?? 'required',
    dependsOn: test.depends_on ?? [],
    browserOnly: test.browser_only === true
  })))
  return new Map(tests.filter(test => !test.browserOnly).map(test => [test.id, test]))
}

/** What the suite says about one cache. */
export class Results {
  #tests
  #raw

  constructor (tests, raw) {
    this.#tests = tests
    this.#raw = raw
  }

  /** The tests, in the suite's order. */
  get tests () {
    return this.#tests
  }

  /**
   * What a result means, as the suite's own table of results has it:
   *
   * - `pass` and `fail` of a required or optimal test, `yes` and `no` of a check, which is only a question;
   * - `dependency`: a test that it depends on was not passed, so it says nothing;
   * - `setup`: it could not be set up, so it says nothing;
   * - `untested`: there is no result.
   */
  word (id) {
    const test = this.#tests.get(id)
    const result = this.#raw[id]
    if (result === undefined) return 'untested'
    if (test.dependsOn.some(other => !['pass', 'yes'].includes(this.word(other)))) return 'dependency'
    if (result[0] === 'Setup') return 'setup'
    if (test.kind === 'check') return result === true ? 'yes' : 'no'
    return result === true ? 'pass' : 'fail'
  }

  /** What the suite itself said. */
  detail (id) {
    const result = this.#raw[id]
    return Array.isArray(result) ? result[1] : ''
  }

  /** How many tests of this kind gave each result. */
  counts (kind) {
    const counts = {}
    for (const test of this.#tests.values()) {
      if (test.kind !== kind) continue
      const word = this.word(test.id)
      counts[word] = (counts[word] ?? 0) + 1
    }
    return counts
  }

  /** How many tests of this kind are passed: `150 of 165`. */
  passedOf (kind) {
    const counts = this.counts(kind)
    return `${counts.pass ?? 0} of ${Object.values(counts).reduce((sum, count) => sum + count, 0)}`
  }

  /** One line: `required 150 of 165 (15 fail); optimal ...; checks ...`. */
  summary () {
    const show = counts => Object.entries(counts).map(([word, count]) => `${count} ${word}`).join(', ')
    const of = kind => {
      const { pass, ...others } = this.counts(kind)
      return `${kind} ${this.passedOf(kind)} (${show(others)})`
    }
    return `${of('required')}; ${of('optimal')}; checks ${show(this.counts('check'))}`
  }
}
