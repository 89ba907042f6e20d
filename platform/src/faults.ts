import { captureException, close, init } from '@sentry/node-core/light'
import { currentContext } from './context.ts'

const flushMs = 2_000
let started = false

/** Starts reporting faults of ours to Sentry; nothing is sent without a DSN. Call once, first thing. */
export const startFaultReports = ({ dsn, service }: { dsn?: string | undefined; service: string }): void => {
  if (dsn === undefined || started) return
  started = true
  init({
    dsn,
    serverName: service,
    defaultIntegrations: false,
    sendDefaultPii: false,
    // Of a fault only what was thrown and its ids leave the house: no request, no person, no breadcrumbs.
    beforeSend: ({ request: _request, user: _user, breadcrumbs: _breadcrumbs, ...event }) => event,
  })
}

/** Reports what should never have been thrown, with the request's id. */
export const reportFault = (error: unknown): void => {
  if (!started) return
  const { requestId } = currentContext() ?? {}
  captureException(error, { tags: requestId === undefined ? {} : { requestId } })
}

/** Sends what is left, for two seconds at most. */
export const stopFaultReports = async (): Promise<void> => {
  if (!started) return
  started = false
  await close(flushMs)
}
