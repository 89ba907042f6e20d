import { z } from 'zod'

/** A resource id: UUIDv7 (RFC 9562), made by the service. */
export const uuid = z.uuid().meta({ example: '0190a5c4-6f00-7000-8000-000000000001' })

/** An instant in UTC, RFC 3339 with milliseconds. */
export const time = z.iso.datetime().meta({ example: '2026-11-20T09:30:00.000Z' })

const noControl = /^[^\p{Cc}\p{Cs}]*$/u
const controlMessage = 'must not contain control characters'

/** One line of text, trimmed, without control characters or lone surrogates. `max` counts UTF-16 units. */
export const line = (max: number) => z.string().trim().min(1).max(max).regex(noControl, controlMessage)

/** Text of several lines, trimmed; line breaks and tabs are its only control characters. */
export const paragraph = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, controlMessage)

/** An e-mail address, trimmed and lower-cased; at most 254 characters (RFC 5321). */
export const email = z.string().trim().toLowerCase().max(254).pipe(z.email()).meta({ example: 'ana@example.com' })

/** A telephone number as a person writes it; services answer with E.164 (ITU-T). Without `+` the shop's country applies. */
export const phone = z
  .string()
  .trim()
  .min(3)
  .max(40)
  .regex(/^[\d\s+().\-/]+$/, 'must be a telephone number')
  .meta({ example: '+254711000111' })

/** Who did something; readable after the user is gone. */
export const ActorRef = z
  .object({ id: z.string(), displayName: z.string() })
  .meta({ id: 'ActorRef', description: 'A user or client; readable after the user is gone' })
export type ActorRef = z.infer<typeof ActorRef>

/** What every stored resource carries. `version` grows by one with each change. */
export const stamps = {
  createdAt: time,
  createdBy: ActorRef,
  updatedAt: time,
  updatedBy: ActorRef,
  version: z.int().min(1),
}

/** Free key-value data of a client: at most 50 keys of 64 characters, values up to 1,000 characters. */
export const metadata = z
  .record(
    z.string().min(1).max(64).regex(noControl, controlMessage),
    z.union(
      [z.string().trim().max(1000).regex(noControl, controlMessage), z.number(), z.boolean(), z.null()],
      'must be a line of text up to 1,000 characters, a number, true, false or null',
    ),
  )
  .refine((value) => Object.keys(value).length <= 50, 'must have at most 50 keys')
