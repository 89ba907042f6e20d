import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Transaction } from 'sequelize'

/** What belongs to one request or one message while it is worked on. */
export type Context = {
  log: Logger
  requestId: string
  traceparent?: string | undefined
  /** The declared path that the request was for. */
  route?: string
  /** The transaction that the whole request runs in (idempotent requests), by schema. */
  transaction?: { schema: string; tx: Transaction } | undefined
}

const storage = new AsyncLocalStorage<Context>()

/** Runs `fn` with `context` as the current one. */
export const withContext = <T>(context: Context, fn: () => T): T => storage.run(context, fn)

/** The context of the request or message being worked on, or undefined outside of one. */
export const currentContext = (): Context | undefined => storage.getStore()
