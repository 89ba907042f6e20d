import { currentContext } from './context.ts'

const flushMs = 2_000
let sentry: typeof import('@sentry/node-core/light') | undefined

/** Starts reporting faults of ours to Sentry; nothing is sent without a DSN. Call once, first thing. */
export const startFaultReports = async (options: { dsn?: string | undefined; service: string }): Promise<void> => {
  const { dsn, service } = options
  if (dsn === undefined || sentry) return
  // Only who has a DSN pays for its memory.
  sentry = await import('@sentry/node-core/light')
  sentry.init({
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
  if (!sentry) return
  const { requestId } = currentContext() ?? {}
  sentry.captureException(error, { tags: requestId === undefined ? {} : { requestId } })
}

/** Sends what is left, for two seconds at most. */
export const stopFaultReports = async (): Promise<void> => {
  const stopping = sentry
  sentry = undefined
  await stopping?.close(flushMs)
}
