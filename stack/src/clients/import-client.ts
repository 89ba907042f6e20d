import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { demoAccounts } from '../backing/realm.ts'

/** The fields of an import that `npm run import` uses. */
export type Imported = {
  id: string
  status: string
  format: string
  encoding: string
  mapping: Record<string, string>
  unmapped: string[]
  total: number | null
  progress: number | null
  counts: Record<'read' | 'created' | 'updated' | 'skipped' | 'failed', number>
  errors: { row: number; pointer: string; message: string }[]
  errorsUrl: string | null
  jobId: string
  error: { message: string } | null
  previousImportId: string | null
}

/** An access token, or username and password. Default: the demo user. */
export type Credentials = { token?: string | undefined; username?: string | undefined; password?: string | undefined }

// Access tokens expire after minutes; an import may take longer.
const renewMs = 120_000
const typeOf: Record<string, string> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  tsv: 'text/csv',
  gz: 'application/gzip',
}

/** A client of the import API at the gateway. Its functions throw an Error with the problem that the gateway returns. */
export const importClient = (gateway: string, { token, username, password }: Credentials) => {
  let signedIn: { token: string; at: number } | undefined

  const readBody = async (response: Response): Promise<unknown> => {
    const text = await response.text()
    if (response.ok) return text === '' ? undefined : JSON.parse(text)
    let message = text.slice(0, 300)
    try {
      const { title, detail, errors = [] } = JSON.parse(text)
      message = [
        title,
        detail,
        ...errors.map((error: { pointer?: string; message: string }) => `  ${error.pointer ?? ''} ${error.message}`),
      ].join('\n')
    } catch {
      // Not a problem document, so the response does not come from Clientele.
    }
    throw new Error(`${response.status} ${message}`)
  }

  const accessToken = async (): Promise<string> => {
    if (token) return token
    if (signedIn && Date.now() - signedIn.at < renewMs) return signedIn.token
    const demo = demoAccounts.find(({ role }) => role === 'user')
    const body = JSON.stringify({ username: username ?? demo?.username, password: password ?? demo?.password })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${gateway}/v1/auth/login`, { method: 'POST', headers, body })
    const { accessToken } = (await readBody(response)) as { accessToken: string }
    signedIn = { token: accessToken, at: Date.now() }
    return accessToken
  }

  const call = async <T>(method: string, path: string, body?: object | Blob, type = 'application/json'): Promise<T> => {
    const headers = { authorization: `Bearer ${await accessToken()}`, ...(body && { 'content-type': type }) }
    const content = body instanceof Blob || body === undefined ? body : JSON.stringify(body)
    return (await readBody(
      await fetch(`${gateway}${path}`, { method, headers, ...(content !== undefined && { body: content }) }),
    )) as T
  }

  return {
    /** Streams a file, so that it is never in memory at once. */
    send: async (path: string, options: Record<string, string | undefined>): Promise<Imported> => {
      const query = Object.entries({ name: basename(path).slice(0, 200), ...options }).filter(([, value]) => value)
      const type = typeOf[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
      return call(
        'POST',
        `/v1/imports?${new URLSearchParams(query as [string, string][])}`,
        await openAsBlob(path),
        type,
      )
    },
    get: (id: string) => call<Imported>('GET', `/v1/imports/${id}`),
    commit: (id: string, again: boolean) => call('POST', `/v1/imports/${id}/commit`, { again }),
    /** Creates a link to the error file of a job. It works without a token for five minutes. */
    createErrorsLink: async (jobId: string): Promise<string> => {
      const { url } = await call<{ url: string }>('POST', `/v1/jobs/${jobId}/errors-link`)
      return new URL(url, gateway).href
    },
    undo: (id: string) => call('POST', `/v1/imports/${id}/undo`),
  }
}
