import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

const SavedRows = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      rows: z.number(),
      partition: z.object({ of: z.string(), bounds: z.string() }).optional(),
    }),
  ),
  sequences: z.array(z.object({ name: z.string(), lastValue: z.string(), isCalled: z.boolean() })),
})

const Manifest = z.object({
  format: z.literal(1),
  createdAt: z.string(),
  /** How many snapshots the schemas were read from: 1 if all are in one database. */
  snapshots: z.number(),
  postgres: z.string(),
  schemas: z.record(z.string(), SavedRows.extend({ migrations: z.array(z.string()) })),
  keycloak: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('realm'), version: z.string() }),
    SavedRows.extend({ kind: z.literal('database'), version: z.string(), migrations: z.array(z.string()) }),
  ]),
  /** `missing` are the keys that rows refer to and the store did not have. */
  media: z.object({ objects: z.number(), bytes: z.number(), missing: z.array(z.string()) }),
  /** The last event of each chain of activity-service, and its hash in hexadecimal digits. Later backups prove that it stayed. */
  auditHead: z.record(z.string(), z.object({ seq: z.number(), hash: z.string() })).optional(),
})

/** The description of a backup. It is written last, so a folder without it is an incomplete backup. */
export type Manifest = z.infer<typeof Manifest>

const manifestFile = 'manifest.json'
/** In the format of `sha256sum --check`. */
const checksumsFile = 'SHA256SUMS'

/** @throws Error if the backup is incomplete or has another format */
export const readManifest = (folder: string): Manifest => {
  const file = join(folder, manifestFile)
  if (!existsSync(file)) throw new Error(`${folder} is not a complete backup: it has no ${manifestFile}`)
  const parsed = Manifest.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (!parsed.success) throw new Error(`this release cannot read the backup: ${file} has another format`)
  return parsed.data
}

export const hashFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()

/** Writes the checksums of all files, including the manifest, and then the manifest. */
export const writeManifest = async (folder: string, manifest: Manifest): Promise<void> => {
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const lines: string[] = []
  for (const file of await filesBelow(folder)) lines.push(`${await hashFile(join(folder, file))}  ${file}`)
  lines.push(`${createHash('sha256').update(text).digest('hex')}  ${manifestFile}`)
  await writeFile(join(folder, checksumsFile), `${lines.join('\n')}\n`, { mode: 0o600 })
  await writeFile(join(folder, manifestFile), text, { mode: 0o600 })
}

/** Finds files of a backup that were changed, are missing, or do not belong to it. */
export const findFileErrors = async (folder: string): Promise<string[]> => {
  const lines = readFileSync(join(folder, checksumsFile), 'utf8').trimEnd().split('\n')
  const sums = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
  const present = new Set(await filesBelow(folder))
  const errors: string[] = []
  for (const [file, sum] of sums) {
    if (!present.has(file)) errors.push(`${file} is missing`)
    else if ((await hashFile(join(folder, file))) !== sum) errors.push(`${file} was changed`)
  }
  for (const file of present)
    if (!sums.has(file) && file !== checksumsFile) errors.push(`${file} does not belong to the backup`)
  return errors
}
