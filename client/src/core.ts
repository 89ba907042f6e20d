import { ClienteleError, errorOf } from './error.ts'
import { type Input, type Prepared, prepare } from './request.ts'
import type { InputArguments, RequestOptions, Result, Route } from './routes.ts'
import type { TokenSource } from './tokens.ts'
import { fetchWithProgress } from './upload.ts'
import { pause, retryDelayMs, signalWithin } from './wait.ts'

/** How requests are sent. */
export type Settings = {
  baseUrl: string
  timeoutMs: number
  maxRetries: number
  fetch: typeof globalThis.fetch
}

type Read<T> = (response: Response) => T | Promise<T>

const fileTimeoutMs = 600_000
// The API refuses other tokens with codes that a new token does not help against.
const isTokenRefused = (error: unknown): boolean =>
  error instanceof ClienteleError && error.status === 401 && ['invalid_token', 'unauthorized'].includes(error.code)

const readJson = async (response: Response): Promise<unknown> => {
  const text = await response.text()
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch (cause) {
    const { status, url } = response
    throw new ClienteleError({
      code: 'unexpected_response',
      status,
      message: `${new URL(url).origin} sent no JSON`,
      cause,
    })
  }
}

/** Sends requests of any route. */
export type Core = ReturnType<typeof createCore>

/** `tokens` are sent with every request. */
export const createCore = (settings: Settings, tokens?: TokenSource) => {
  /** @throws ClienteleError, or the reason of the caller's signal */
  const attempt = async <T>(
    { route, url, method, headers, body }: Prepared,
    { signal: cancelled, onProgress, onResponse, timeoutMs = settings.timeoutMs }: RequestOptions,
    token: string | undefined,
    read: Read<T>,
  ): Promise<T> => {
    const signal = signalWithin(timeoutMs, cancelled)
    const init = {
      method,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      signal,
      ...(body !== undefined && { body }),
    }
    try {
      const response = onProgress
        ? await fetchWithProgress(settings.fetch, url, init, onProgress)
        : await settings.fetch(url, init)
      if (!response.ok) throw await errorOf(route, response)
      const result = await read(response)
      onResponse?.(response)
      return result
    } catch (cause) {
      if (cause instanceof ClienteleError || cancelled?.aborted) throw cause
      const { message } = cause as Error
      throw signal.aborted
        ? new ClienteleError({ code: 'timed_out', message: `${route}: no response within ${timeoutMs} ms`, cause })
        : new ClienteleError({ code: 'network_error', message: `${route}: ${message}`, cause })
    }
  }

  /** Sends a request, again with a new token if the token is refused, and again if the failure may pass. */
  const send = async <T>(route: Route, input: Input, read: Read<T>): Promise<T> => {
    const request = prepare(settings.baseUrl, route, input)
    let token = await tokens?.current()
    let mayRenew = token !== undefined
    for (let retries = 0; ; ) {
      try {
        return await attempt(request, input, token, read)
      } catch (error) {
        if (mayRenew && isTokenRefused(error)) {
          mayRenew = false
          token = await tokens?.renew(token)
          continue
        }
        const delayMs = request.repeatable && retries < settings.maxRetries ? retryDelayMs(error, retries) : undefined
        if (delayMs === undefined) throw error
        retries += 1
        await pause(delayMs, input.signal)
      }
    }
  }

  const isFile = (body: unknown): boolean =>
    body instanceof Blob ||
    body instanceof FormData ||
    Object.values(Object(body)).some((value) => value instanceof Blob)
  const fileTimeout = { timeoutMs: Math.max(fileTimeoutMs, settings.timeoutMs) }

  return {
    /** Sends a request and reads the JSON of its response. */
    request: async <R extends Route>(route: R, ...[input]: InputArguments<R>): Promise<Result<R>> =>
      (await send(route, { ...(isFile(input?.body) && fileTimeout), ...input }, readJson)) as Result<R>,
    /** Sends a request whose response is a file. */
    download: <R extends Route>(route: R, ...[input]: InputArguments<R>): Promise<Response> =>
      send(route, { ...fileTimeout, accept: '*/*', ...input }, (response) => response),
  }
}
