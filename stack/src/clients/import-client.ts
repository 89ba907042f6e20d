import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { demoAccounts } from '../backing/realm.ts'

/** What the API says of an import, as far as it is shown here. */
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
  error: { message: string } | null
  previousImportId: string | null
}

/** Who imports: by an access token, or by name and password; the demo user where nothing is said. */
export type Credentials = { token?: string | undefined; username?: string | undefined; password?: string | undefined }

// Access tokens live for minutes, an import may take longer.
const renewMs = 120_000
const typeOf: Record<string, string> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  tsv: 'text/csv',
  gz: 'application/gzip',
}

export const importClient = (gateway: string, { token, username, password }: Credentials) => {
  let signedIn: { token: string; at: number } | undefined

  const readAnswer = async (answer: Response): Promise<unknown> => {
    const text = await answer.text()
    if (answer.ok) return text === '' ? undefined : JSON.parse(text)
    let told = text.slice(0, 300)
    try {
      const { title, detail, errors = [] } = JSON.parse(text)
      told = [
        title,
        detail,
        ...errors.map((error: { pointer?: string; message: string }) => `  ${error.pointer ?? ''} ${error.message}`),
      ].join('\n')
    } catch {
      // Not one of our own answers.
    }
    throw new Error(`${answer.status} ${told}`)
  }

  const accessToken = async (): Promise<string> => {
    if (token) return token
    if (signedIn && Date.now() - signedIn.at < renewMs) return signedIn.token
    const demo = demoAccounts.find(({ role }) => role === 'user')
    const body = JSON.stringify({ username: username ?? demo?.username, password: password ?? demo?.password })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${gateway}/v1/auth/login`, { method: 'POST', headers, body })
    const { accessToken } = (await readAnswer(answer)) as { accessToken: string }
    signedIn = { token: accessToken, at: Date.now() }
    return accessToken
  }

  const call = async <T>(method: string, path: string, body?: object | Blob, type = 'application/json'): Promise<T> => {
    const headers = { authorization: `Bearer ${await accessToken()}`, ...(body && { 'content-type': type }) }
    const content = body instanceof Blob || body === undefined ? body : JSON.stringify(body)
    return (await readAnswer(
      await fetch(`${gateway}${path}`, { method, headers, ...(content !== undefined && { body: content }) }),
    )) as T
  }

  return {
    /** Sends a file as it is read, never the whole of it in memory. */
    send: async (path: string, options: Record<string, string | undefined>): Promise<Imported> => {
      const said = Object.entries({ name: basename(path).slice(0, 200), ...options }).filter(([, value]) => value)
      const type = typeOf[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
      return call(
        'POST',
        `/v1/imports?${new URLSearchParams(said as [string, string][])}`,
        await openAsBlob(path),
        type,
      )
    },
    get: (id: string) => call<Imported>('GET', `/v1/imports/${id}`),
    commit: (id: string, again: boolean) => call('POST', `/v1/imports/${id}/commit`, { again }),
  }
}
