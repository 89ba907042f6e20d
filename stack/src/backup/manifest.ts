import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

const saved = z.object({
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()), rows: z.number() })),
  sequences: z.array(z.object({ name: z.string(), lastValue: z.string(), isCalled: z.boolean() })),
})

const Manifest = z.object({
  format: z.literal(1),
  createdAt: z.string(),
  /** 1 where all schemas were read at one moment. */
  snapshots: z.number(),
  postgres: z.string(),
  schemas: z.record(z.string(), saved.extend({ migrations: z.array(z.string()) })),
  keycloak: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('realm'), version: z.string() }),
    saved.extend({ kind: z.literal('database'), version: z.string(), migrations: z.array(z.string()) }),
  ]),
  /** `missing` were in the store no more although rows name them. */
  media: z.object({ objects: z.number(), bytes: z.number(), missing: z.array(z.string()) }),
})

/** What a backup says of itself; written last, so that a folder without it is a backup that broke off. */
export type Manifest = z.infer<typeof Manifest>

const manifestFile = 'manifest.json'
/** As `sha256sum --check` reads it. */
const sumsFile = 'SHA256SUMS'

export const readManifest = (folder: string): Manifest => {
  const file = join(folder, manifestFile)
  if (!existsSync(file)) throw new Error(`${folder} is not a finished backup: it has no ${manifestFile}`)
  const parsed = Manifest.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (!parsed.success) throw new Error(`${file} is not of a backup that this release reads`)
  return parsed.data
}

export const hashOfFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()

/** Writes the manifest, then the checksum of every file, the manifest's own included. */
export const seal = async (folder: string, manifest: Manifest): Promise<void> => {
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const lines: string[] = []
  for (const file of await filesBelow(folder)) lines.push(`${await hashOfFile(join(folder, file))}  ${file}`)
  lines.push(`${createHash('sha256').update(text).digest('hex')}  ${manifestFile}`)
  await writeFile(join(folder, sumsFile), `${lines.join('\n')}\n`, { mode: 0o600 })
  await writeFile(join(folder, manifestFile), text, { mode: 0o600 })
}

/** Faults of the files: changed, missing, or not of this backup. */
export const fileFaults = async (folder: string): Promise<string[]> => {
  const lines = readFileSync(join(folder, sumsFile), 'utf8').trimEnd().split('\n')
  const sums = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
  const present = new Set(await filesBelow(folder))
  const faults: string[] = []
  for (const [file, sum] of sums) {
    if (!present.has(file)) faults.push(`${file} is missing`)
    else if ((await hashOfFile(join(folder, file))) !== sum) faults.push(`${file} was changed`)
  }
  for (const file of present) if (!sums.has(file) && file !== sumsFile) faults.push(`${file} does not belong to it`)
  return faults
}
