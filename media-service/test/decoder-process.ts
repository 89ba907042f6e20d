import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '@clientele/stack/profile/ports'

const program = fileURLToPath(new URL('../src/decoder.ts', import.meta.url))

/** What the decoder needs in its environment: nothing but where to listen. */
const startProcess = async (env: Record<string, string>) => {
  const child = spawn(process.execPath, [program], { env: { IMAGE_SANDBOX: 'none', ...env } })
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  let output = ''
  const started = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text) => {
      output += text
      if (output.includes('"started"')) resolve()
    })
    child.stderr.on('data', (text) => {
      output += text
    })
    exited.then(() => reject(new Error(`the decoder ended: ${output}`)))
  })
  await started
  return { child, exited }
}

/** A decoder that listens at a Unix socket or a port, and can be stopped and started. */
export const createDecoder = async (kind: 'socket' | 'port' = 'socket') => {
  const folder = await mkdtemp(join(tmpdir(), 'decoder-'))
  const socketPath = join(folder, 'socket')
  const [port = 0] = await freePorts(1)
  const address: Record<string, string> =
    kind === 'socket' ? { IMAGE_DECODER_SOCKET: socketPath } : { HOST: '127.0.0.1', PORT: String(port) }
  let running: Awaited<ReturnType<typeof startProcess>> | undefined
  const pid = () => running?.child.pid ?? 0
  const start = async () => {
    running = await startProcess(address)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    running?.child.kill(signal)
    return running?.exited
  }
  await start()
  return {
    url: kind === 'socket' ? `unix:${socketPath}` : `http://127.0.0.1:${port}`,
    pid,
    start,
    stop,
    /** The ids of its worker processes. */
    workers: async (): Promise<number[]> => {
      const found = promisify(execFile)('pgrep', ['-P', String(pid()), '-f', 'image-process'])
      const { stdout } = await found.catch(() => ({ stdout: '' }))
      return stdout.trim().split('\n').filter(Boolean).map(Number)
    },
    /** @returns the status of the response */
    request: async (method: string, path: string, headers: Record<string, string> = {}) => {
      const to = kind === 'socket' ? { socketPath } : { host: '127.0.0.1', port }
      const req = request({ ...to, method, path, headers, agent: false }).end()
      const [response] = await once(req, 'response')
      req.destroy()
      return response.statusCode as number
    },
    remove: async () => {
      await stop('SIGKILL')
      await rm(folder, { recursive: true })
    },
  }
}

export type Decoder = Awaited<ReturnType<typeof createDecoder>>
