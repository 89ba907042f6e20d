import { currentContext } from './context.ts'

const flushTimeoutMs = 2_000
let sentry: typeof import('@sentry/node-core/light') | undefined

/** Starts reporting unexpected errors to Sentry. Does nothing without a DSN. Call it once, before anything else. */
export const startErrorReporting = async (options: { dsn?: string | undefined; service: string }): Promise<void> => {
  const { dsn, service } = options
  if (dsn === undefined || sentry) return
  // Imported only with a DSN, to save memory without one.
  sentry = await import('@sentry/node-core/light')
  sentry.init({
    dsn,
    serverName: service,
    defaultIntegrations: false,
    sendDefaultPii: false,
    // Removes the request, the user and the breadcrumbs, so that only the error and its ids are sent.
    beforeSend: ({ request: _request, user: _user, breadcrumbs: _breadcrumbs, ...event }) => event,
  })
}

/** Reports an unexpected error with the id of the current request. */
export const reportError = (error: unknown): void => {
  if (!sentry) return
  const { requestId } = currentContext() ?? {}
  sentry.captureException(error, { tags: requestId === undefined ? {} : { requestId } })
}

/** Stops reporting, and waits up to two seconds until pending reports are sent. */
export const stopErrorReporting = async (): Promise<void> => {
  const client = sentry
  sentry = undefined
  await client?.close(flushTimeoutMs)
}
