import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../processes/folders.ts'
import type { JestResults } from './suite-result.ts'

/** Runs jest until it ends or the signal aborts. @returns its report, or undefined if there is none */
export const runJest = (
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  signal: AbortSignal,
): Promise<JestResults | undefined> => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-results-'))
  const results = join(folder, 'results.json')
  const jest = join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js')
  const child = spawn(process.execPath, [jest, '--json', `--outputFile=${results}`, ...args], {
    cwd: projectRoot,
    // In its own process group, so that Ctrl-C does not reach it: tests must end before the services that they use.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...env,
      NODE_OPTIONS: [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
        .filter(Boolean)
        .join(' '),
    },
  })
  const onAbort = () => child.pid && process.kill(-child.pid, 'SIGTERM')
  signal.addEventListener('abort', onAbort, { once: true })
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener('abort', onAbort)
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

/** A signal that aborts when the run is interrupted, or when the process that started it ends. */
export const interruptSignal = (): AbortSignal => {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new Error('interrupted')))
  process.on('disconnect', () => stopping.abort(new Error('the process that started this one has ended')))
  return stopping.signal
}
