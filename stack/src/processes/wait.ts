import { setTimeout as pause } from 'node:timers/promises'

export type WaitOptions = {
  what: string
  timeoutMs: number
  everyMs?: number
  until?: Promise<unknown>
  signal?: AbortSignal
}

/** Asks until the answer is truthy. Fails when the time is over, or at once when `until` (the process behind it) ends. */
export const waitFor = async <T>(ask: () => Promise<T | undefined | false>, options: WaitOptions): Promise<T> => {
  const end = Date.now() + options.timeoutMs
  let ended: string | undefined
  options.until?.then((how) => {
    ended = `ended while starting (${String(how)})`
  })
  let last: unknown
  for (;;) {
    options.signal?.throwIfAborted()
    if (ended) throw new Error(`${options.what} ${ended}`)
    const answer = await ask().catch((error: unknown) => {
      last = error
      return undefined
    })
    if (answer) return answer
    if (Date.now() > end) {
      throw new Error(`${options.what} did not get ready in ${Math.round(options.timeoutMs / 1000)} s`, { cause: last })
    }
    await pause(options.everyMs ?? 100)
  }
}

/** True when the address answers with a 2xx within two seconds. */
export const answers = async (url: string, init: RequestInit = {}): Promise<boolean> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) })
  await response.body?.cancel()
  return response.ok
}
