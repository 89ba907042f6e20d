import { z } from 'zod'
import { event } from './event.ts'
import { email, line, time } from './fields.ts'

export const Role = z.enum(['user', 'admin']).meta({ id: 'Role' })
export type Role = z.infer<typeof Role>

// Keycloak gives the first kind to service accounts, user-service the second to its probes of a password.
const reservedName = /^(?!service-account-)(?!.*\.signup-probe-)/

const username = z
  .string()
  .trim()
  .toLowerCase()
  .min(3)
  .max(64)
  .regex(/^[\p{Ll}\p{Lo}\p{N}._@+-]+$/u, 'may have letters, digits and . _ @ + -')
  .regex(reservedName, 'is kept for clients and for this service')
  .meta({ example: 'ana' })
const password = z
  .string()
  .min(1)
  .max(128)
  .meta({ format: 'password', writeOnly: true, example: 'correct horse battery' })
const givenName = line(100).meta({ example: 'Ana' })
const familyName = line(100).meta({ example: 'Lovelace' })

export const User = z
  .object({
    id: z.string().meta({ description: 'The Keycloak subject' }),
    username: z.string(),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    name: z.string().nullable(),
    surname: z.string().nullable(),
    displayName: z.string(),
    roles: z.array(Role),
    enabled: z.boolean(),
    createdAt: time,
    lastLoginAt: time.nullable(),
    version: z.int().min(1),
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

export const NewUser = z
  .strictObject({
    username,
    email,
    name: givenName.optional(),
    surname: familyName.optional(),
    password: password.optional(),
    roles: z.array(Role).max(2).optional(),
    sendInvite: z.boolean().optional(),
  })
  .meta({ id: 'NewUser' })
export type NewUser = z.infer<typeof NewUser>

/** PUT: the full replacement; what is absent is emptied. */
export const UserReplacement = z
  .strictObject({
    username,
    email,
    name: givenName.nullish(),
    surname: familyName.nullish(),
    enabled: z.boolean(),
    roles: z.array(Role).max(2),
  })
  .meta({ id: 'UserReplacement' })
export type UserReplacement = z.infer<typeof UserReplacement>

/** PATCH: JSON Merge Patch (RFC 7396); null empties a name. */
export const UserPatch = UserReplacement.partial().extend({ password: password.optional() }).meta({ id: 'UserPatch' })
export type UserPatch = z.infer<typeof UserPatch>

export const ProfilePatch = z
  .strictObject({ email: email.optional(), name: givenName.nullish(), surname: familyName.nullish() })
  .meta({ id: 'ProfilePatch' })
export type ProfilePatch = z.infer<typeof ProfilePatch>

export const SignUp = z
  .strictObject({
    username: username.optional(),
    email,
    password,
    name: givenName.optional(),
    surname: familyName.optional(),
    createCustomer: z.boolean().optional(),
  })
  .meta({ id: 'SignUp' })
export type SignUp = z.infer<typeof SignUp>

export const Accepted = z.object({ message: z.string() }).meta({ id: 'Accepted' })
export const Login = z.strictObject({ username: z.string().min(1).max(254), password }).meta({ id: 'Login' })
export const RefreshToken = z.strictObject({ refreshToken: z.string().min(1).max(8192) }).meta({ id: 'RefreshToken' })
export const PasswordReset = z.strictObject({ email }).meta({ id: 'PasswordReset' })

export const Tokens = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'seconds' }),
    refreshExpiresIn: z.int().meta({ description: 'seconds' }),
    tokenType: z.literal('Bearer'),
  })
  .meta({ id: 'Tokens' })
export type Tokens = z.infer<typeof Tokens>

export const AuthConfig = z
  .object({
    issuer: z.string(),
    clientId: z.string(),
    authorizationEndpoint: z.string(),
    tokenEndpoint: z.string(),
    logoutEndpoint: z.string(),
    signup: z.boolean(),
    passwordLogin: z.boolean(),
    passwordReset: z.boolean(),
  })
  .meta({ id: 'AuthConfig' })
export type AuthConfig = z.infer<typeof AuthConfig>

/** `createCustomer` is set on `user.created.v1` when the person asked for a customer of their own at sign-up. */
const UserEventData = User.extend({ createCustomer: z.boolean().optional() })
export const userCreated = event('user.created.v1', UserEventData)
export const userUpdated = event('user.updated.v1', User)
export const userEnabled = event('user.enabled.v1', User)
export const userDisabled = event('user.disabled.v1', User)
export const userDeleted = event('user.deleted.v1', User)
export const userRoleGranted = event('user.role_granted.v1', User.extend({ role: Role }))
export const userRoleRevoked = event('user.role_revoked.v1', User.extend({ role: Role }))
export const userSignedOut = event('user.signed_out.v1', User)
export const userEvents = [
  userCreated,
  userUpdated,
  userEnabled,
  userDisabled,
  userDeleted,
  userRoleGranted,
  userRoleRevoked,
  userSignedOut,
]

/** Tokens of `userId` issued at or before `notBefore` are refused; kept for a day. Served on user-service's internal port. */
export const Revocation = z.object({ userId: z.string(), notBefore: time })
export const Revocations = z.object({ data: z.array(Revocation).max(10_000) })
