// Runs the suite's own client in a process of its own, since its runner keeps its results for good:
//
//     node suite.mjs FOLDER BASE [ID...]
//
// prints what it says as JSON.

import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, base, ...ids] = process.argv.slice(2)
const file = name => pathToFileURL(path.join(folder, name))
const { allSuites } = await import('./results.mjs')
const { runTests, getResults } = await import(file('client/runner.mjs'))
const fetch = createRequire(path.join(folder, 'package.json'))('node-fetch')

const suites = (await allSuites(folder)).map(suite => ({
  ...suite,
  tests: suite.tests.filter(test => ids.length === 0 || ids.includes(test.id))
}))
await runTests(suites, fetch, false, base)
process.stdout.write(JSON.stringify(getResults()))
