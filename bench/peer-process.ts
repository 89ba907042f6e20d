import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

type Reply = { id: number; value?: unknown; error?: string }

/** A program of `peers/` in its own process. `call` rejects if the method fails, the process ends, or `timeoutMs` is over. */
export type PeerProcess = {
  pid: number
  call<T = void>(method: string, value?: unknown, timeoutMs?: number): Promise<T>
  stop(): Promise<void>
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Starts `peers/<name>.ts`, which gets `config` through {@link servePeer}. */
export const startPeerProcess = async (name: string, config: object): Promise<PeerProcess> => {
  const child = fork(new URL(`peers/${name}.ts`, import.meta.url), [JSON.stringify(config)])
  let lastId = 0
  const call = async <T>(method: string, value?: unknown, timeoutMs = 60_000): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const id = ++lastId
    const onMessage = (reply: Reply) => {
      if (reply.id !== id) return
      if (reply.error === undefined) resolve(reply.value as T)
      else reject(new Error(`${name}: ${reply.error}`))
    }
    const onExit = () => reject(new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`))
    const timer = setTimeout(() => reject(new Error(`${name}: ${method} timed out after ${timeoutMs} ms`)), timeoutMs)
    child.on('message', onMessage).once('exit', onExit)
    if (hasEnded(child)) onExit()
    else child.send({ id, method, value })
    return promise.finally(() => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
    })
  }
  const stop = async (): Promise<void> => {
    if (hasEnded(child)) return
    const exit = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    if (child.connected) child.disconnect()
    await exit
    clearTimeout(timer)
  }
  await call('start').catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { pid: child.pid ?? 0, call, stop }
}

// biome-ignore lint/suspicious/noExplicitAny: a benchmark and its peer agree on the types
type Calls = Record<string, (value: any) => unknown>

/** The other side of {@link startPeerProcess}. `build` returns the methods that can be called; `end` runs before the exit. */
export const servePeer = <Config>(build: (config: Config) => Promise<Calls & { end: () => unknown }>): void => {
  const peer = Promise.resolve().then(() => build(JSON.parse(process.argv[2] ?? '{}') as Config))
  peer.catch(() => {})
  process.on('message', async ({ id, method, value }: { id: number; method: string; value: unknown }) => {
    try {
      const methods = await peer
      process.send?.({ id, value: method === 'start' ? undefined : await methods[method]?.(value) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
    }
  })
  process.once('disconnect', async () => {
    setTimeout(() => process.exit(1), 8_000).unref()
    await peer.then(({ end }) => end()).catch(() => {})
    process.exit()
  })
}
