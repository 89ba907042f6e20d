import { setTimeout as sleep } from 'node:timers/promises'
import { createPng } from '../png-image.ts'
import { authorized, call, signIn } from './api.ts'

export type LoadFigures = { requests: number; failures: string[]; seconds: number; p99Ms: number; maxMs: number }

const workers = 4
const pauseMs = 120
const tokenMs = 120_000
const photo = new Blob([createPng(64, 64)], { type: 'image/png' })

/**
 * Sends about thirty reading and writing requests a second to the gateway, on kept-alive connections. Requests are not
 * retried: an unexpected response, or none, is a failure.
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
  const operations: (() => Promise<void>)[] = [
    async () => void (await request('GET', '/v1/customers?limit=5', 200, authorized(token))),
    async () => {
      const { id } = JSON.parse(await request('POST', '/v1/customers', 201, authorized(token, customer()))) as {
        id?: string
      }
      if (id) await request('GET', `/v1/customers/${id}`, 200, authorized(token))
      if (id) await request('GET', `/v1/customers/${id}/timeline`, 200, authorized(token))
    },
    async () => void (await request('GET', '/v1/products?limit=5', 200, authorized(token))),
    async () => {
      const body = new FormData()
      for (const [name, value] of Object.entries(customer())) body.set(name, value)
      body.set('photo', photo, 'photo.png')
      await request('POST', '/v1/customers', 201, { ...authorized(token), body })
    },
    async () => {
      const lines = [{ description: 'gift wrap', quantity: 1, unitPrice: '1.50' }]
      await request('POST', '/v1/orders', 201, authorized(token, { lines }))
    },
    async () => void (await request('GET', '/v1/users/me', 200, authorized(token))),
    async () => void (await request('GET', '/v1/notifications?limit=5', 200, authorized(token))),
    async () => void (await request('GET', '/v1/events?limit=5', 200, authorized(token))),
  ]
  const runWorker = async (first: number): Promise<void> => {
    for (let index = first; running; index += 1) {
      if (first === 0 && Date.now() - tokenAt > tokenMs) {
        tokenAt = Date.now()
        token = await signIn().catch((error: Error) => {
          failures.push(error.message)
          return token
        })
      }
      await operations[index % operations.length]?.()
      await sleep(pauseMs)
    }
  }
  const finished = Promise.all(Array.from({ length: workers }, (_, index) => runWorker(index)))

  return {
    /** Stops the load, and returns its figures. */
    stop: async (): Promise<LoadFigures> => {
      running = false
      await finished
      const sorted = durations.toSorted((a, b) => a - b)
      return {
        requests: durations.length,
        failures,
        seconds: Math.round((performance.now() - startedAt) / 1000),
        p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
        maxMs: Math.round(sorted.at(-1) ?? 0),
      }
    },
  }
}

/** Runs `work` under load. @returns a summary. @throws Error that lists failed requests */
export const underLoad = async (work: () => Promise<void>): Promise<string> => {
  const load = await startLoad()
  let workError: unknown
  const startedAt = performance.now()
  await work().catch((error: unknown) => {
    workError = error
  })
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  // Terminating pods may still break connections for some seconds after `work`.
  await sleep(5_000)
  const { requests, failures, p99Ms, maxMs } = await load.stop()
  if (workError) throw workError
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${requests} requests failed:\n  ${failures.slice(0, 10).join('\n  ')}`)
  return `${seconds} s; ${requests} requests, none failed, p99 ${p99Ms} ms, max ${maxMs} ms`
}
