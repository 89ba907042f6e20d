import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

type Answer = { id: number; value?: unknown; error?: string }

/** A program of `peers/` as a process of its own. `ask` rejects where it fails, ends, or does not answer within `timeoutMs`. */
export type Program = {
  pid: number
  ask<T = void>(what: string, value?: unknown, timeoutMs?: number): Promise<T>
  stop(): Promise<void>
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Starts `peers/<name>.ts`, which finds `config` by {@link answering}. */
export const startProgram = async (name: string, config: object): Promise<Program> => {
  const child = fork(new URL(`peers/${name}.ts`, import.meta.url), [JSON.stringify(config)])
  let asked = 0
  const ask = async <T>(what: string, value?: unknown, timeoutMs = 60_000): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const id = ++asked
    const onMessage = (answer: Answer) => {
      if (answer.id !== id) return
      if (answer.error === undefined) resolve(answer.value as T)
      else reject(new Error(`${name}: ${answer.error}`))
    }
    const onExit = () => reject(new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`))
    const timer = setTimeout(() => reject(new Error(`${name} does not answer to ${what}`)), timeoutMs)
    child.on('message', onMessage).once('exit', onExit)
    if (ended(child)) onExit()
    else child.send({ id, what, value })
    return promise.finally(() => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
    })
  }
  const stop = async (): Promise<void> => {
    if (ended(child)) return
    const exit = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    if (child.connected) child.disconnect()
    await exit
    clearTimeout(timer)
  }
  await ask('start').catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { pid: child.pid ?? 0, ask, stop }
}

// biome-ignore lint/suspicious/noExplicitAny: what is asked is agreed between a part and its program
type Answers = Record<string, (value: any) => unknown>

/** The other end of {@link startProgram}: `build` makes ready and says what can be asked; `end` is called before the process ends. */
export const answering = <Config>(build: (config: Config) => Promise<Answers & { end: () => unknown }>): void => {
  const built = Promise.resolve().then(() => build(JSON.parse(process.argv[2] ?? '{}') as Config))
  built.catch(() => {})
  process.on('message', async ({ id, what, value }: { id: number; what: string; value: unknown }) => {
    try {
      const answers = await built
      process.send?.({ id, value: what === 'start' ? undefined : await answers[what]?.(value) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
    }
  })
  process.once('disconnect', async () => {
    setTimeout(() => process.exit(1), 8_000).unref()
    await built.then(({ end }) => end()).catch(() => {})
    process.exit()
  })
}
