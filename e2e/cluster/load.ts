import { setTimeout as pause } from 'node:timers/promises'
import { png } from '../picture.ts'
import { as, call, signIn } from './api.ts'

export type Figures = { requests: number; failures: string[]; seconds: number; p99: number; longest: number }

const workers = 4
const pauseMs = 120
const tokenMs = 120_000
const picture = new Blob([png(64, 64)], { type: 'image/png' })

/**
 * Readers and writers on kept-alive connections to the gateway, about thirty requests a second. Each request is sent once: an
 * answer that is not the expected one, or none, is a failure.
 */
export const startLoad = async () => {
  const startedAt = performance.now()
  const durations: number[] = []
  const failures: string[] = []
  let running = true
  let token = await signIn()
  let tokenAt = Date.now()
  let serial = 0

  const request = async (method: string, path: string, expected: number, init: RequestInit): Promise<string> => {
    const began = performance.now()
    try {
      const { status, text } = await call(method, path, init)
      if (status !== expected) failures.push(`${method} ${path}: ${status} ${text.slice(0, 200)}`)
      return text
    } catch (error) {
      const { message, cause } = error as Error
      failures.push(`${method} ${path}: ${message} ${cause instanceof Error ? cause.message : ''}`)
      return '{}'
    } finally {
      durations.push(performance.now() - began)
    }
  }
  const customer = () => {
    serial += 1
    return { name: 'Load', surname: `n${serial}` }
  }
  const kinds: (() => Promise<void>)[] = [
    async () => void (await request('GET', '/v1/customers?limit=5', 200, as(token))),
    async () => {
      const { id } = JSON.parse(await request('POST', '/v1/customers', 201, as(token, customer()))) as { id?: string }
      if (id) await request('GET', `/v1/customers/${id}`, 200, as(token))
    },
    async () => void (await request('GET', '/v1/products?limit=5', 200, as(token))),
    async () => {
      const body = new FormData()
      for (const [name, value] of Object.entries(customer())) body.set(name, value)
      body.set('photo', picture, 'photo.png')
      await request('POST', '/v1/customers', 201, { ...as(token), body })
    },
    async () => {
      const lines = [{ description: 'gift wrap', quantity: 1, unitPrice: '1.50' }]
      await request('POST', '/v1/orders', 201, as(token, { lines }))
    },
    async () => void (await request('GET', '/v1/users/me', 200, as(token))),
    async () => void (await request('GET', '/v1/notifications?limit=5', 200, as(token))),
  ]
  const work = async (first: number): Promise<void> => {
    for (let index = first; running; index += 1) {
      if (first === 0 && Date.now() - tokenAt > tokenMs) {
        tokenAt = Date.now()
        token = await signIn().catch((error: Error) => {
          failures.push(error.message)
          return token
        })
      }
      await kinds[index % kinds.length]?.()
      await pause(pauseMs)
    }
  }
  const all = Promise.all(Array.from({ length: workers }, (_, index) => work(index)))

  return {
    /** Ends it, and tells how it went. Times are milliseconds. */
    stop: async (): Promise<Figures> => {
      running = false
      await all
      const sorted = durations.toSorted((a, b) => a - b)
      return {
        requests: durations.length,
        failures,
        seconds: Math.round((performance.now() - startedAt) / 1000),
        p99: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
        longest: Math.round(sorted.at(-1) ?? 0),
      }
    },
  }
}

/** Does `work` under load. @throws Error naming the requests that failed */
export const underLoad = async (work: () => Promise<void>): Promise<string> => {
  const load = await startLoad()
  let fault: unknown
  const began = performance.now()
  await work().catch((error: unknown) => {
    fault = error
  })
  const seconds = Math.round((performance.now() - began) / 1000)
  // What a pod that is ending does to connections shows after the work, too.
  await pause(5_000)
  const { requests, failures, p99, longest } = await load.stop()
  if (fault) throw fault
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${requests} requests failed:\n  ${failures.slice(0, 10).join('\n  ')}`)
  return `${seconds} s; ${requests} requests, none failed, p99 ${p99} ms, longest ${longest} ms`
}
