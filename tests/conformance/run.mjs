// Runs the public test suite for HTTP caches (http-cache-tests, the tests behind cache-tests.fyi) against a release
// build, under both profiles, and holds every result to `expected.txt`. A result that is better than expected fails the
// run as well as one that is worse: the file says what is true.
//
//     node tests/conformance/run.mjs [--update] [--profile NAME] [--repeat N] [--binary FILE]
//
// `--update` writes the results down instead; reasons are kept, and a line without one fails the next run. `--repeat`
// runs the suite so many times, to find results that vary. CONTRIBUTING.md says more.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { Expected, WITHOUT_REASON } from './expected.mjs'
import { install, launch, ready, runSuite } from './processes.mjs'
import { Results, loadTests } from './results.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const ROOT = path.resolve(HERE, '../..')
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target')
const PLACE = path.join(TARGET, 'conformance')
const EXPECTED = path.join(HERE, 'expected.txt')
const PROFILES = ['rfc9111', 'safe']

const { values: options } = parseArgs({
  options: {
    update: { type: 'boolean', default: false },
    profile: { type: 'string', multiple: true, default: PROFILES },
    repeat: { type: 'string', default: '1' },
    binary: { type: 'string', default: path.join(TARGET, 'release/plimsoll') }
  }
})

if (!fs.existsSync(options.binary)) {
  throw new Error(`${options.binary} is missing: run cargo build --release --locked`)
}
const suite = install(PLACE)
const tests = await loadTests(suite)
let expected = Expected.read(EXPECTED)
let differences = 0
for (let run = 0; run < Number(options.repeat); run++) {
  for (const profile of options.profile) {
    const found = await results(profile)
    console.log(`\nprofile ${profile}: ${found.summary()}`)
    if (options.update) {
      expected = expected.updated(profile, found, profile === PROFILES[0])
    } else {
      differences += compare(profile, found) + compareReadme(profile, found)
    }
  }
}
if (options.update) {
  fs.writeFileSync(EXPECTED, expected.text())
  console.log(`\nwrote ${path.relative(ROOT, EXPECTED)}`)
}
const bare = expected.withoutReason()
for (const id of bare) {
  console.log(`${id}: give its reason in expected.txt instead of "${WITHOUT_REASON}"`)
}
// Only now: every result of both profiles has been shown.
process.exit(differences + bare.length > 0 ? 1 : 0)

/** The results of the whole suite under one profile. What differs from what is expected is asked a second time, alone. */
async function results (profile) {
  const origin = launch(process.execPath, ['server/server.mjs'], {
    cwd: suite,
    env: {
      ...process.env,
      npm_config_protocol: 'http',
      npm_config_port: '0',
      npm_config_pidfile: path.join(PLACE, 'origin.pid')
    }
  })
  const port = (await ready(origin, 'Listening on')).match(/:(\d+)\/$/)[1]
  const config = path.join(PLACE, `${profile}.toml`)
  fs.writeFileSync(config, configuration(profile, port))
  const proxy = launch(options.binary, ['serve', '--config', config], { cwd: PLACE, env: { PLIMSOLL_LOG: 'error' } })
  const base = (await ready(proxy, 'listening:')).match(/http:\/\/\S+/)[0]
  const raw = await runSuite(suite, base)
  const first = new Results(tests, raw)
  const odd = options.update ? [] : expected.differences(profile, first).map(difference => difference.id)
  if (odd.length > 0) {
    Object.assign(raw, await runSuite(suite, base, odd))
  }
  await Promise.all([origin.end(), proxy.end()])
  const second = new Results(tests, raw)
  for (const id of odd.filter(id => first.word(id) !== second.word(id))) {
    console.log(`${profile}: ${id} varies: ${first.word(id)} among all tests, ${second.word(id)} alone`)
  }
  return second
}

/** `config/rfc9111.toml` as it is shipped, but for where it listens, which origin it fronts, and the profile. */
function configuration (profile, port) {
  let text = fs.readFileSync(path.join(ROOT, 'config/rfc9111.toml'), 'utf8')
  for (const [line, instead] of [
    ['url = "http://127.0.0.1:3000"', `url = "http://127.0.0.1:${port}"`],
    ['profile = "rfc9111"', `profile = "${profile}"`]
  ]) {
    if (text.split(line).length !== 2) {
      throw new Error(`config/rfc9111.toml does not say once: ${line}`)
    }
    text = text.replace(line, instead)
  }
  return `${text}\n[server]\nlisten = ["127.0.0.1:0"]\n`
}

/** Shows what differs from what is expected, and says how much it is. */
function compare (profile, found) {
  const differences = expected.differences(profile, found)
  for (const { id, word, instead } of differences) {
    console.log(`${profile}: ${id}: ${word}, and expected.txt says ${instead}. ${found.detail(id)}`)
  }
  return differences.length
}

/** The README states the counts. Says how many of its lines are not true any more. */
function compareReadme (profile, found) {
  const row = `| plimsoll, profile \`${profile}\` | ${found.passedOf('required')} | ${found.passedOf('optimal')} |`
  if (fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8').includes(row)) return 0
  console.log(`README.md does not say: ${row}`)
  return 1
}
