import { z } from 'zod'
import { documentedAs } from './fields.ts'

// Reserved for the service accounts of Keycloak, and for the probes of sign-up in user-service.
const reservedName = /^(?!service-account-)(?!.*\.signup-probe-)/

// Of characters that look alike one is kept (Unicode NFKC): `ａｄｍｉｎ` becomes `admin`, and `adm¹` `adm1`.
/** The username of an account. Its documented form is wider, as a range of characters that every engine supports. */
export const username = z
  .string()
  .normalize('NFKC')
  .trim()
  .toLowerCase()
  .min(3)
  .max(64)
  .regex(/^[\p{Ll}\p{Lo}\p{N}._@+-]+$/u, 'may only have letters, digits and . _ @ + -')
  .regex(reservedName, 'is reserved')
  .meta(
    documentedAs({ type: 'string', minLength: 3, maxLength: 64, pattern: '^[a-z0-9._@+ß-힣-]+$', examples: ['ana'] }),
  )
