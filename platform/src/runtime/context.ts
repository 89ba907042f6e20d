import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Transaction } from 'sequelize'

/** The state of one request or message while it is being handled. */
export type Context = {
  log: Logger
  requestId: string
  traceparent?: string | undefined
  /** The path of the matched route definition, such as `/v1/customers/{key}`. */
  route?: string
  /** When a response without an end began, from {@link performance.now}. It counts as the end of the request in metrics. */
  streamingSince?: number
  /** The transaction that wraps a request with an idempotency key, and the schema that it belongs to. */
  transaction?: { schema: string; tx: Transaction } | undefined
}

const storage = new AsyncLocalStorage<Context>()

/** Runs `fn` with `context` as the current context, also across `await`. */
export const withContext = <T>(context: Context, fn: () => T): T => storage.run(context, fn)

/** Returns the context of the current request or message, or undefined outside of both. */
export const currentContext = (): Context | undefined => storage.getStore()
