const timeoutMs = 20_000

/** Calls RabbitMQ's management API. `path` is relative to `/api/`; the parts of it must be encoded. */
export type ManagementApi = <T = unknown>(method: string, path: string, body?: object) => Promise<T>

/** @param url the address of RabbitMQ's management page, with user and password */
export const managementApi = (url: string): ManagementApi => {
  const { username, password, href } = new URL(url)
  const base = Object.assign(new URL('api/', href.endsWith('/') ? href : `${href}/`), { username: '', password: '' })
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`RabbitMQ's management API returned ${response.status} to ${method} ${path}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
}

/** Returns the virtual host of an AMQP URL; `/` by default. */
export const vhostOf = (url: string): string =>
  (URL.canParse(url) && decodeURIComponent(new URL(url).pathname.slice(1))) || '/'

/** Returns a URL with another account. */
export const withAccount = (url: string, name: string, password: string): string =>
  Object.assign(new URL(url), { username: name, password: encodeURIComponent(password) }).href
