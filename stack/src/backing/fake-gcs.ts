import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { failedStartTimeoutMs, logTail, startChild } from '../processes/child.ts'
import { cacheFolder } from '../processes/folders.ts'
import { isResponding, waitFor } from '../processes/wait.ts'
import { goCommand } from '../tools/go.ts'
import type { ServiceHandle } from './postgres.ts'

const run = promisify(execFile)
const version = 'v1.56.1'

/** Builds the program from its Go module at the first use. @returns its path */
const prepareFakeGcs = async (log: (text: string) => void): Promise<string> => {
  const folder = join(cacheFolder(), `fake-gcs-${version}`)
  const program = join(folder, 'fake-gcs-server')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const go = await goCommand(log)
  log('building fake-gcs-server (only once)')
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' }
  await run(go, ['install', `github.com/fsouza/fake-gcs-server@${version}`], {
    env,
    timeout: 600_000,
    maxBuffer: 16 << 20,
  })
  return program
}

export type FakeGcsOptions = { home: string; port: number; log?: (text: string) => void }

/** Starts an emulator of Google Cloud Storage for tests. It keeps objects in memory. */
export const startFakeGcs = async ({ home, port, log = () => undefined }: FakeGcsOptions): Promise<ServiceHandle> => {
  const program = await prepareFakeGcs(log)
  const url = `http://127.0.0.1:${port}`
  const args = [
    '-scheme',
    'http',
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-backend',
    'memory',
    '-external-url',
    url,
    '-public-host',
    `127.0.0.1:${port}`,
    '-log-level',
    'error',
  ]
  const child = await startChild({ command: program, args, name: 'fake-gcs', home })
  const ready = () => isResponding(`${url}/_internal/healthcheck`)
  await waitFor(ready, { name: 'fake-gcs-server', timeoutMs: 30_000, exited: child.exited }).catch(async (error) => {
    await child.stop(failedStartTimeoutMs)
    throw new Error(`${error.message}\n${logTail(home, 'fake-gcs')}`)
  })
  return { url, stop: async () => void (await child.stop()) }
}
