import { setTimeout as pause } from 'node:timers/promises'

export type WaitOptions = {
  /** What is waited for, for error messages. */
  name: string
  timeoutMs: number
  intervalMs?: number
  /** Resolves when the process behind it ends, which ends the wait with an error. */
  exited?: Promise<unknown>
  signal?: AbortSignal
}

/** Calls `check` until it returns a truthy value. @throws Error after the timeout, or when the process ends */
export const waitFor = async <T>(check: () => Promise<T | undefined | false>, options: WaitOptions): Promise<T> => {
  const end = Date.now() + options.timeoutMs
  let exitMessage: string | undefined
  options.exited?.then((result) => {
    exitMessage = `ended while it was starting (${String(result)})`
  })
  let lastError: unknown
  for (;;) {
    options.signal?.throwIfAborted()
    if (exitMessage) throw new Error(`${options.name} ${exitMessage}`)
    const result = await check().catch((error: unknown) => {
      lastError = error
      return undefined
    })
    if (result) return result
    if (Date.now() > end) {
      throw new Error(`${options.name} was not ready after ${Math.round(options.timeoutMs / 1000)} s`, {
        cause: lastError,
      })
    }
    await pause(options.intervalMs ?? 100)
  }
}

/** Whether the URL returns a 2xx within two seconds. */
export const isResponding = async (url: string, init: RequestInit = {}): Promise<boolean> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) })
  await response.body?.cancel()
  return response.ok
}
