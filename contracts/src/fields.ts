import { z } from 'zod'

/** A resource id: UUIDv7 (RFC 9562), made by the service. */
export const uuid = z.uuid().meta({ example: '0190a5c4-6f00-7000-8000-000000000001' })

/** An instant in UTC, RFC 3339 with milliseconds. */
export const time = z.iso.datetime().meta({ example: '2026-11-20T09:30:00.000Z' })

const noControl = /^[^\p{Cc}\p{Cs}]*$/u
const controlMessage = 'must not contain control characters'

// The same for documents: what may be sent before it is trimmed, in ranges that every regular-expression engine knows.
const control = '\\x00-\\x1f\\x7f-\\x9f'
const linePattern = `^\\s*[^\\s${control}][^${control}]*\\s*$`
const paragraphPattern = '^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$'

/** One line of text, trimmed, without control characters or lone surrogates. `max` counts UTF-16 units as they were sent. */
export const line = (max: number) =>
  z.string().max(max).trim().min(1).regex(noControl, controlMessage).meta({ pattern: linePattern })

/** A part of an address that is a text: no slash, backslash or dot segment gets through the gateway. */
export const pathKey = line(300).meta({ pattern: `^(?!\\.{1,2}$)[^\\s/\\\\${control}][^/\\\\${control}]*$` })

/** Text of several lines, trimmed; line breaks and tabs are its only control characters. */
export const paragraph = (max: number) =>
  z
    .string()
    .max(max)
    .trim()
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, controlMessage)
    .meta({ pattern: paragraphPattern })

// At most 64 characters before the @, and 63 in a part of the domain (RFC 5321, section 4.5.3.1).
const mailbox =
  /^(?=[^@]{1,64}@)(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/

/** An e-mail address, trimmed and lower-cased; at most 254 characters (RFC 5321). */
export const email = z
  .string()
  .max(254)
  .trim()
  .toLowerCase()
  .pipe(z.email({ pattern: mailbox }))
  .meta({ example: 'ana@example.com', format: 'email', pattern: mailbox.source })

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

const text = z
  .string()
  .max(1000)
  .trim()
  .regex(noControl, controlMessage)
  .meta({ pattern: `^\\s*[^${control}]*\\s*$` })
// Beyond it a number is read as another one (RFC 8259, section 6).
const exactNumber = z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)

/** Free key-value data of a client: at most 50 keys of 64 characters, values up to 1,000 characters, numbers up to 2^53 - 1. */
export const metadata = z
  .record(
    z
      .string()
      .min(1)
      .max(64)
      .regex(noControl, controlMessage)
      .meta({ pattern: `^[^${control}]*$` }),
    z.union(
      [text, exactNumber, z.boolean(), z.null()],
      'must be a line of text up to 1,000 characters, a number up to 9007199254740991, true, false or null',
    ),
  )
  .refine((value) => Object.keys(value).length <= 50, 'must have at most 50 keys')
