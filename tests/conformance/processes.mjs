// The suite's package, and the processes that a run needs. None of them outlives the run, however it ends.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PACKAGE = 'http-cache-tests'
const VERSION = '0.4.5'
const SUITE = fileURLToPath(new URL('suite.mjs', import.meta.url))

/** A suite that takes longer waits for something that never comes. It takes about 15 seconds. */
const DEADLINE_MS = 300_000

const running = new Set()
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')))
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => process.exit(status))
}

/** The folder of the suite's package, which is installed here if it is missing. */
export function install (place) {
  const folder = path.join(place, 'node_modules', PACKAGE)
  const manifest = path.join(folder, 'package.json')
  if (!fs.existsSync(manifest) || JSON.parse(fs.readFileSync(manifest)).version !== VERSION) {
    fs.mkdirSync(place, { recursive: true })
    const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts']
    const npm = spawnSync('npm', ['install', '--prefix', place, ...quiet, `${PACKAGE}@${VERSION}`], { stdio: 'inherit' })
    if (npm.error !== undefined || npm.status !== 0) {
      throw new Error(`npm could not install ${PACKAGE}@${VERSION}: ${npm.error?.message ?? `status ${npm.status}`}`)
    }
  }
  return folder
}

/** Starts a process. Its output is kept for when it fails. */
export function launch (command, words, options) {
  const child = spawn(command, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve({ status, signal }))
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  const said = []
  child.stderr.on('data', chunk => said.push(chunk))
  return {
    child,
    ended,
    said: () => Buffer.concat(said).toString(),
    end: () => {
      child.kill('SIGTERM')
      return ended
    }
  }
}

/** The line by which a process says that it is ready. Its later output is read and dropped, so that it never waits. */
export async function ready (process, start) {
  const lines = createInterface({ input: process.child.stdout })
  const line = new Promise(resolve => {
    lines.on('line', line => line.startsWith(start) && resolve(line))
  })
  const end = process.ended.then(() => {
    throw new Error(`it ended before it was ready: ${process.said()}`)
  })
  // Once it is ready, its end is no fault.
  end.catch(() => {})
  return Promise.race([line, end])
}

/** What the suite says about a cache: of all its tests, or of these. */
export async function runSuite (suite, base, ids = []) {
  const run = launch(process.execPath, ['--no-warnings', SUITE, suite, base, ...ids], { env: process.env })
  const out = []
  run.child.stdout.on('data', chunk => out.push(chunk))
  const deadline = setTimeout(() => run.child.kill('SIGKILL'), DEADLINE_MS)
  const { status, signal } = await run.ended
  clearTimeout(deadline)
  if (status !== 0) {
    throw new Error(`the suite broke off (${status ?? signal}): ${run.said()}`)
  }
  return JSON.parse(Buffer.concat(out))
}
