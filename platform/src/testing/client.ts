/** A response for assertions. `body` is parsed JSON, text for other types, or undefined if empty. */
// biome-ignore lint/suspicious/noExplicitAny: tests access any field of a body
export type TestResponse = { status: number; headers: Headers; body: any }

/** Calls one base URL with one token. */
export type Client = ReturnType<typeof client>

const bodyOf = async (response: Response): Promise<unknown> => {
  const text = await response.text()
  if (text === '') return undefined
  return /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text
}

type Body = NonNullable<RequestInit['body']>

/** Creates a client for tests. Bodies are sent as JSON unless they are FormData, text or bytes. Redirects are not followed. */
export const client = (baseUrl: string, token?: string) => {
  const raw = async (
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: Body } = {},
  ): Promise<TestResponse> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { body }),
    })
    return { status: response.status, headers: response.headers, body: await bodyOf(response) }
  }
  const send =
    (method: string) =>
    (path: string, body?: unknown, headers: Record<string, string> = {}) => {
      if (body === undefined) return raw(method, path, { headers })
      if (body instanceof FormData || typeof body === 'string' || body instanceof Uint8Array)
        return raw(method, path, { headers, body: body as Body })
      return raw(method, path, {
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    }
  return {
    raw,
    get: (path: string, headers: Record<string, string> = {}) => raw('GET', path, { headers }),
    post: send('POST'),
    put: send('PUT'),
    patch: send('PATCH'),
    delete: (path: string, headers: Record<string, string> = {}) => raw('DELETE', path, { headers }),
  }
}
