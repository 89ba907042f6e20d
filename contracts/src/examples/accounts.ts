import { actor } from './shared.ts'

const issuer = 'http://localhost:8080/realms/clientele'
const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl'
const tokens = { accessToken: token, refreshToken: token, expiresIn: 300, refreshExpiresIn: 1_800, tokenType: 'Bearer' }
const user = {
  id: actor.id,
  username: 'ben',
  email: 'ben@example.com',
  emailVerified: true,
  name: 'Ben',
  surname: 'Turner',
  displayName: actor.displayName,
  roles: ['user'],
  enabled: true,
  createdAt: '2026-11-01T08:00:00.000Z',
  lastLoginAt: '2026-11-20T09:00:00.000Z',
  version: 4,
}
const password = 'correct horse battery'

export const accountExamples = {
  AuthConfig: {
    issuer,
    clientId: 'clientele-console',
    authorizationEndpoint: `${issuer}/protocol/openid-connect/auth`,
    tokenEndpoint: `${issuer}/protocol/openid-connect/token`,
    logoutEndpoint: `${issuer}/protocol/openid-connect/logout`,
    signup: true,
    passwordLogin: true,
    passwordReset: true,
  },
  Person: { ...actor, enabled: true },
  InstallationConfig: {
    name: 'Clientele',
    version: '0.1.0',
    shop: { name: 'Corner Shop', locale: 'en', timeZone: 'Africa/Nairobi', currency: 'KES', country: 'KE' },
    customers: { requiredFields: ['name', 'surname'] },
    orders: { customerRequired: false },
    limits: {
      pageSize: 200,
      batchItems: 500,
      bodyBytes: 1_000_000,
      uploadBytes: 20_971_520,
      importBytes: 500_000_000,
    },
    features: { signup: true, passwordLogin: true, mail: true, docs: true },
  },
  SignUp: { username: 'ana', email: 'ana@example.com', password, name: 'Ana', surname: 'Lovelace' },
  Accepted: { message: 'If the address has an account, it gets a mail.' },
  Login: { username: 'ana', password },
  SignedIn: { ...tokens, deviceToken: 'ZGV2aWNlLXRva2Vu' },
  RefreshToken: { refreshToken: token },
  Tokens: tokens,
  PasswordReset: { email: 'ana@example.com' },
  EmailLinkToken: { token: 'q1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2a' },
  User: user,
  Profile: { ...user, pendingEmail: null },
  ProfilePatch: { name: 'Benjamin' },
  NewUser: { username: 'ana', email: 'ana@example.com', name: 'Ana', surname: 'Lovelace', roles: ['user'] },
  UserPatch: { surname: 'Turner-Hopper' },
  UserReplacement: {
    username: 'ben',
    email: 'ben@example.com',
    name: 'Ben',
    surname: 'Turner',
    enabled: true,
    roles: ['user'],
  },
  UserLock: {
    locked: false,
    api: { lockedUntil: null, lockedSources: 0, failures: 1 },
    keycloak: { locked: false, failures: 0 },
  },
  UserSessions: {
    data: [
      {
        id: '7d3a0f5b-2c1e-4b8a-9f60-1b2c3d4e5f60',
        startedAt: '2026-11-20T09:00:00.000Z',
        lastUsedAt: '2026-11-20T09:30:00.000Z',
        clients: ['clientele-console'],
        ipAddress: '203.0.113.7',
        offline: false,
        current: true,
      },
    ],
  },
}
