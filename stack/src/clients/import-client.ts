import { openAsBlob } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Clientele, ClienteleError, createClient, type Import, type Query } from '@clientele/client'
import { demoCredentials } from './demo-user.ts'

/** An access token, or username and password. Default: the demo user. */
export type Credentials = { token?: string | undefined; username?: string | undefined; password?: string | undefined }

const uploadTimeoutMs = 3_600_000
const typeOf: Record<string, string> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  tsv: 'text/csv',
  vcf: 'text/vcard',
  gz: 'application/gzip',
  zip: 'application/zip',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

/** A client of the gateway, with the token or signed in. @throws ClienteleError */
export const importClient = async (baseUrl: string, { token, username, password }: Credentials): Promise<Clientele> => {
  if (token) return createClient({ baseUrl, getToken: () => token })
  const clientele = createClient({ baseUrl })
  await clientele.signIn({
    username: username ?? demoCredentials.username,
    password: password ?? demoCredentials.password,
  })
  return clientele
}

/** Sends a file as a stream, so that it is never in memory at once. */
export const sendImport = async (
  { imports }: Clientele,
  path: string,
  options: Query<'POST /v1/imports'>,
): Promise<Import> => {
  const type = typeOf[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
  const query = { ...options, name: basename(path).slice(0, 200) }
  await access(path, constants.R_OK).catch(({ code }: NodeJS.ErrnoException) => {
    throw new Error(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : 'permission denied'}`)
  })
  return imports.create(await openAsBlob(path, { type }), { query, timeoutMs: uploadTimeoutMs })
}

/** What went wrong, with the invalid fields, a line each. */
export const describeImportError = (error: unknown): string => {
  if (!(error instanceof ClienteleError) || !error.problem) return (error as Error).message
  const { title, detail } = error.problem
  const fields = error.errors.map(({ pointer, parameter, message }) => `  ${pointer ?? parameter ?? ''} ${message}`)
  return [`${error.status} ${title}`, ...(detail === undefined ? [] : [detail]), ...fields].join('\n')
}
