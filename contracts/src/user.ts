import { z } from 'zod'
import { asSignInName, email } from './email.ts'
import { event } from './event.ts'
import { line, readOnly, time } from './fields.ts'
import { EventRevocations } from './revocation.ts'
import { username } from './username.ts'

export const Role = z.enum(['user', 'admin']).meta({ id: 'Role' })
export type Role = z.infer<typeof Role>

const password = z
  .string()
  .min(1)
  .max(128)
  .meta({ format: 'password', writeOnly: true, example: 'correct horse battery' })
const givenName = line(100).meta({ example: 'Ana' })
const familyName = line(100).meta({ example: 'Lovelace' })

export const User = z
  .object({
    id: z.string().meta({ description: 'The id of the user in Keycloak, the `sub` of tokens.', readOnly: true }),
    username: z.string(),
    email: z.string().nullable(),
    emailVerified: readOnly(z.boolean()),
    name: z.string().nullable(),
    surname: z.string().nullable(),
    displayName: z.string().meta({
      description:
        'Name and surname, or else the username. Never an e-mail address: without another name it is `User` and the beginning of the id.',
      example: 'Ana Lovelace',
      readOnly: true,
    }),
    roles: z.array(Role),
    enabled: z.boolean(),
    createdAt: readOnly(time),
    lastLoginAt: readOnly(time.nullable()),
    version: readOnly(z.int().min(1)),
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

/** What every user sees of another one. */
export const Person = User.pick({ id: true, displayName: true, enabled: true }).meta({ id: 'Person' })
export type Person = z.infer<typeof Person>

/** The signed-in user's own profile. */
export const Profile = User.extend({
  pendingEmail: z.string().nullable().meta({
    description: 'A proposed e-mail address. It takes effect when the user follows the link that was mailed to it.',
  }),
}).meta({ id: 'Profile' })
export type Profile = z.infer<typeof Profile>

export const NewUser = z
  .strictObject({
    username,
    email,
    name: givenName.optional(),
    surname: familyName.optional(),
    password: password.optional(),
    roles: z.array(Role).max(2).optional().meta({ description: 'Without `roles`, the user gets the role `user`.' }),
    sendInvite: z.boolean().optional(),
  })
  .meta({ id: 'NewUser' })
export type NewUser = z.infer<typeof NewUser>

/** The body of PUT. Names that are absent are removed. */
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

/** The body of PATCH, a JSON Merge Patch (RFC 7396): null removes a name. */
export const UserPatch = UserReplacement.partial()
  .extend({
    password: password.optional().meta({
      description: 'A new password. It ends all sessions of the user, and access tokens issued before are refused.',
    }),
  })
  .meta({ id: 'UserPatch' })
export type UserPatch = z.infer<typeof UserPatch>

export const ProfilePatch = z
  .strictObject({ email: email.optional(), name: givenName.nullish(), surname: familyName.nullish() })
  .meta({ id: 'ProfilePatch' })
export type ProfilePatch = z.infer<typeof ProfilePatch>

export const SignUp = z
  .strictObject({
    username: username.optional().meta({
      description:
        'Without a username, or if it is taken or the e-mail address, the user gets a generated one and signs in with the e-mail address.',
    }),
    email,
    password,
    name: givenName.optional(),
    surname: familyName.optional(),
    createCustomer: z.boolean().optional(),
  })
  .meta({ id: 'SignUp' })
export type SignUp = z.infer<typeof SignUp>

export const Accepted = z.object({ message: z.string() }).meta({ id: 'Accepted' })
export const Login = z
  .strictObject({
    username: z.string().max(254).normalize('NFKC').overwrite(asSignInName).min(1),
    password,
    totp: z
      .string()
      .regex(/^\d{6,8}$/, 'must have 6 to 8 digits')
      .optional()
      .meta({
        description: 'The current one-time code, if the account has an authenticator app as its second factor.',
        example: '123456',
      }),
    deviceToken: z.string().min(1).max(1024).optional().meta({
      description:
        'The `deviceToken` of an earlier sign-in of this user on this device. With it, failed sign-ins from elsewhere do not lock the user out. An invalid one is ignored.',
    }),
  })
  .meta({ id: 'Login' })
export type Login = z.infer<typeof Login>
export const RefreshToken = z.strictObject({ refreshToken: z.string().min(1).max(8192) }).meta({ id: 'RefreshToken' })
export const PasswordReset = z.strictObject({ email }).meta({ id: 'PasswordReset' })

export const EmailLinkToken = z
  .strictObject({
    token: z
      .string()
      .regex(/^[\w-]{43}$/, 'must be the part of the mailed link after the #')
      .meta({ description: 'The part of the mailed link after the #.' }),
  })
  .meta({ id: 'EmailLinkToken' })

export const Tokens = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().min(0).meta({ description: 'The lifetime of the access token in seconds.' }),
    refreshExpiresIn: z.int().min(0).meta({ description: 'The lifetime of the refresh token in seconds.' }),
    tokenType: z.literal('Bearer'),
  })
  .meta({ id: 'Tokens' })
export type Tokens = z.infer<typeof Tokens>

export const SignedIn = Tokens.extend({
  deviceToken: z.string().meta({
    description:
      'Store it on the device, and send it with the next sign-in of this user. It is valid for 180 days. It replaces no password.',
  }),
}).meta({ id: 'SignedIn' })
export type SignedIn = z.infer<typeof SignedIn>

/** The locks of a user after failed sign-ins. */
export const UserLock = z
  .object({
    locked: z.boolean().meta({ description: 'Whether one of the locks is in force.' }),
    api: z.object({
      lockedUntil: time.nullable().meta({ description: 'Until then only known devices can sign in through the API.' }),
      lockedSources: z.int().min(0).meta({ description: 'The number of networks and devices that are locked.' }),
      failures: z.int().min(0).meta({ description: 'Failed sign-ins from unknown devices.' }),
    }),
    keycloak: z.object({
      locked: z.boolean().meta({ description: 'Whether Keycloak refuses all sign-ins for now.' }),
      failures: z.int().min(0),
    }),
  })
  .meta({ id: 'UserLock' })
export type UserLock = z.infer<typeof UserLock>

export const UserSession = z
  .object({
    id: z.string().meta({ description: 'The id of the session in Keycloak, the `sid` of its tokens.' }),
    startedAt: time,
    lastUsedAt: time.meta({ description: 'The last sign-in or refresh.' }),
    clients: z.array(z.string()).meta({ description: 'The OAuth clients that the session is used with.' }),
    ipAddress: z.string().nullable(),
    offline: z.boolean().meta({ description: 'Whether it is kept by an offline token.' }),
    current: z.boolean().meta({ description: 'Whether the request was made with a token of this session.' }),
  })
  .meta({ id: 'UserSession' })
export type UserSession = z.infer<typeof UserSession>

/** The maximum number of sessions in a list: the ones used last. */
export const maxListedSessions = 100
export const UserSessions = z.object({ data: z.array(UserSession).max(maxListedSessions) }).meta({ id: 'UserSessions' })

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

/** `createCustomer` is true if the user asked for a customer at sign-up. */
const UserEventData = User.extend({ createCustomer: z.boolean().optional() })
export const userCreated = event('user.created.v1', UserEventData)
export const userUpdated = event('user.updated.v1', User)
export const userEnabled = event('user.enabled.v1', User)
/** `revocations`: the access tokens that are refused since then. */
const RevokingEventData = User.extend({ revocations: EventRevocations.optional() })
export const userDisabled = event('user.disabled.v1', RevokingEventData)
export const userDeleted = event('user.deleted.v1', RevokingEventData)
export const userRoleGranted = event('user.role_granted.v1', User.extend({ role: Role }))
export const userRoleRevoked = event('user.role_revoked.v1', RevokingEventData.extend({ role: Role }))
export const userSignedOut = event('user.signed_out.v1', RevokingEventData)
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

/** What other services keep of a user. `roles` is empty for a disabled or deleted user. */
export const UserState = z.object({
  id: z.string(),
  version: z.int(),
  displayName: z.string(),
  deleted: z.boolean(),
  roles: z.array(Role),
})
export type UserState = z.infer<typeof UserState>
/** The response of `GET /users` on user-service's internal port: by id, at most 1,000 after the id `after`. */
export const UserStates = z.object({ data: z.array(UserState).max(1_000) })
