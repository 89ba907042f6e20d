import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../processes/folders.ts'
import type { JestResults } from './verdict.ts'

/** Runs jest to its end, or until `signal` aborts. @returns its report, or undefined when it left none */
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

/** Aborts when the run is interrupted, or the process that started it is gone. */
export const interruption = (): AbortSignal => {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new Error('interrupted')))
  process.on('disconnect', () => stopping.abort(new Error('the starting process is gone')))
  return stopping.signal
}
