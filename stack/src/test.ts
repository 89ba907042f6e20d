import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './folders.ts'
import { say } from './progress.ts'
import { startTestParts, type TestParts, testVariables } from './test-parts.ts'
import { type JestResults, verdictOf } from './verdict.ts'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error('interrupted')))
process.on('disconnect', () => stopping.abort(new Error('the starting process is gone')))

const runJest = (env: NodeJS.ProcessEnv, args: string[]): Promise<JestResults | undefined> => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-results-'))
  const results = join(folder, 'results.json')
  const jest = join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js')
  const child = spawn(process.execPath, [jest, '--json', `--outputFile=${results}`, ...args], {
    cwd: projectRoot,
    // Kept from the terminal's Ctrl-C: tests end before the parts that they stand on.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...env,
      NODE_OPTIONS: [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
        .filter(Boolean)
        .join(' '),
    },
  })
  stopping.signal.addEventListener('abort', () => child.pid && process.kill(-child.pid, 'SIGTERM'), { once: true })
  return new Promise((resolve) => {
    const end = () => {
      try {
        resolve(JSON.parse(readFileSync(results, 'utf8')) as JestResults)
      } catch {
        resolve(undefined)
      }
      rmSync(folder, { recursive: true, force: true })
    }
    child.once('error', end)
    child.once('exit', end)
  })
}

// Options that take a list would take a path after them, too: they go last.
const isCoverage = (arg: string): boolean => /^--(coverage|collectCoverage)/.test(arg)
const args = process.argv.slice(2).toSorted((a, b) => Number(isCoverage(a)) - Number(isCoverage(b)))

const given = testVariables.every((name) => process.env[name])
let parts: TestParts | undefined
let results: JestResults | undefined
try {
  parts = given ? undefined : await startTestParts(say, stopping.signal)
  const env = { ...process.env, ...parts?.env, TEST_RUN: process.env.TEST_RUN ?? randomBytes(4).toString('hex') }
  results = await runJest(env, args)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
} finally {
  await parts?.stop()
}
const { passed, failed, remarks } = verdictOf(results, args)
for (const remark of remarks) console.log(remark)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && remarks.length === 0 && !stopping.signal.aborted ? 0 : 1)
