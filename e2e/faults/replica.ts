import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import { nodeEnv, nodeFlagsOf } from '@clientele/stack/processes/node-memory'

/** One process of a service. `name` is the service and the replica's letter: `gateway a`. */
export type Replica = {
  name: string
  service: string
  port: number
  healthUrl: string
  /** 0 while the process is not running. */
  pid(): number
  startedAt(): number
  start(): Promise<void>
  kill(): Promise<void>
  /** Sends SIGTERM. @throws Error if the process does not exit with code 0 within 40 s */
  terminate(): Promise<void>
}

const root = new URL('../../', import.meta.url)
/** Node.js options that make a process run a garbage collection on SIGUSR2. */
export const gcNodeFlags = ['--expose-gc', '--import', new URL('collect-garbage.ts', import.meta.url).href]
const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null
const stopMs = 40_000
const killMs = 5_000

type Options = {
  service: string
  letter: string
  port: number
  internalPort: number
  env: NodeJS.ProcessEnv
  logs: string
}

export const createReplica = ({ service, letter, port, internalPort, env, logs }: Options): Replica => {
  const name = `${service} ${letter}`
  const healthUrl = `http://127.0.0.1:${internalPort}/health/ready`
  let child: ChildProcess | undefined
  let startedAt = 0

  const launch = (): ChildProcess => {
    const log = openSync(join(logs, `${service}-${letter}.log`), 'a')
    const own = { PORT: String(port), INTERNAL_PORT: String(internalPort) }
    const main = new URL(`${service}/src/main.ts`, root).pathname
    const started = spawn(process.execPath, [...nodeFlagsOf(service), ...gcNodeFlags, main], {
      env: { ...nodeEnv(), ...env, ...own },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    startedAt = Date.now()
    return started
  }
  const isReady = async (): Promise<void> => {
    // A backing service may be unavailable at the start. The process then exits and is started again, as a cluster does.
    if (!child || ended(child)) child = launch()
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(3_000) })
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`)
  }
  const end = async (signal: NodeJS.Signals, timeoutMs: number): Promise<string> => {
    const last = child
    child = undefined
    if (!last || ended(last)) return 'not running'
    const exit = once(last, 'exit', { signal: AbortSignal.timeout(timeoutMs) })
    last.kill(signal)
    const how = await exit.catch(() => undefined)
    if (how) return String(how[1] ?? `code ${how[0]}`)
    last.kill('SIGKILL')
    return `no exit within ${timeoutMs} ms`
  }

  return {
    name,
    service,
    port,
    healthUrl,
    pid: () => (child && !ended(child) ? (child.pid ?? 0) : 0),
    startedAt: () => startedAt,
    start: () => eventually(isReady, { timeoutMs: 90_000, everyMs: 200 }),
    kill: async () => void (await end('SIGKILL', killMs)),
    terminate: async () => {
      const how = await end('SIGTERM', stopMs)
      if (how !== 'code 0' && how !== 'not running') throw new Error(`${name}: ${how} after SIGTERM`)
    },
  }
}
