import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { giveUpMs, logTail, startChild } from '../processes/child.ts'
import { cacheFolder } from '../processes/folders.ts'
import { answers, waitFor } from '../processes/wait.ts'
import { goCommand } from '../tools/go.ts'
import type { Running } from './postgres.ts'

const run = promisify(execFile)
const version = 'v1.56.1'

/** The program, built from its Go module at first use. */
const preparedFakeGcs = async (say: (text: string) => void): Promise<string> => {
  const folder = join(cacheFolder(), `fake-gcs-${version}`)
  const program = join(folder, 'fake-gcs-server')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const go = await goCommand(say)
  say('building fake-gcs-server (once)')
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' }
  await run(go, ['install', `github.com/fsouza/fake-gcs-server@${version}`], {
    env,
    timeout: 600_000,
    maxBuffer: 16 << 20,
  })
  return program
}

export type FakeGcsOptions = { home: string; port: number; say?: (text: string) => void }

/** A stand-in for Google Cloud Storage that keeps objects in memory; for tests. */
export const startFakeGcs = async ({ home, port, say = () => undefined }: FakeGcsOptions): Promise<Running> => {
  const program = await preparedFakeGcs(say)
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
  const ready = () => answers(`${url}/_internal/healthcheck`)
  await waitFor(ready, { what: 'fake-gcs-server', timeoutMs: 30_000, until: child.exited }).catch(async (error) => {
    await child.stop(giveUpMs)
    throw new Error(`${error.message}\n${logTail(home, 'fake-gcs')}`)
  })
  return { url, stop: async () => void (await child.stop()) }
}
