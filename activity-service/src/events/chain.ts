import { createHash, randomBytes } from 'node:crypto'

/** What the hash of an event covers, besides the hash before it. */
export type Chained = {
  seq: number
  at: Date
  eventId: string
  type: string
  subject: string
  actorId: string | null
  version: number | null
  about: string | null
  bodyHash: Buffer
}

const noValue = Buffer.from([0xff, 0xff, 0xff, 0xff])

/** SHA-256 over fields that are preceded by their length, so that no two lists of fields give the same bytes. */
const hashOf = (fields: readonly (string | Buffer | null)[]): Buffer => {
  const hash = createHash('sha256')
  for (const field of fields) {
    if (field === null) {
      hash.update(noValue)
      continue
    }
    const bytes = typeof field === 'string' ? Buffer.from(field) : field
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return hash.digest()
}

/** The salt keeps anybody from guessing the body of an event by its hash once the body was removed. */
export const newSalt = (): Buffer => randomBytes(16)

export const hashBody = (salt: Buffer, body: string): Buffer => hashOf([salt, body])

/** The hash of an event in its chain. `previous` is the hash of the event before it in its class. */
export const hashEvent = (previous: Buffer, event: Chained): Buffer =>
  hashOf([
    previous,
    String(event.seq),
    event.at.toISOString(),
    event.eventId,
    event.type,
    event.subject,
    event.actorId,
    event.version === null ? null : String(event.version),
    event.about,
    event.bodyHash,
  ])
