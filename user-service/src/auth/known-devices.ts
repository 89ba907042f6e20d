import { createHmac, hkdfSync, randomUUID, timingSafeEqual } from 'node:crypto'
import { Op } from 'sequelize'
import type { Users } from '../users/user.model.ts'

const validMs = 180 * 86_400_000

/** A device that has signed in as a user before. */
export type KnownDevice = { id: string; userId: string }
type Claims = KnownDevice & { expiresAt: number }

type Deps = { users: Users; secret: string }
export type KnownDevices = ReturnType<typeof createKnownDevices>

/**
 * Issues and checks device tokens. A device gets one when it signs in, and sends it with its next sign-in: then its attempts
 * are not counted with those of strangers (the "device cookie" of OWASP). It is signed, names the user, and allows nothing
 * else: the password is needed as before.
 */
export const createKnownDevices = ({ users, secret }: Deps) => {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'clientele: device tokens', 32))
  const sign = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest()

  const verify = (token: string): Claims | undefined => {
    const [payload = '', signature = ''] = token.split('.')
    const [given, expected] = [Buffer.from(signature, 'base64url'), sign(payload)]
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
    return claims.expiresAt > Date.now() ? claims : undefined
  }

  const isNameOf = async (name: string, userId: string): Promise<boolean> => {
    const names = { [Op.or]: [{ username: name }, { email: name }] }
    return (await users.count({ where: { id: userId, deletedAt: null, ...names } })) > 0
  }

  return {
    /** `id`: that of the device if it is known, so that it stays the same device. */
    issue: (userId: string, id: string = randomUUID()): string => {
      const payload = Buffer.from(JSON.stringify({ id, userId, expiresAt: Date.now() + validMs })).toString('base64url')
      return `${payload}.${sign(payload).toString('base64url')}`
    },
    /** The device of a valid token. Undefined if the token is not valid, or belongs to another user than `name`. */
    find: async (token: string | undefined, name: string): Promise<KnownDevice | undefined> => {
      const device = token === undefined ? undefined : verify(token)
      return device && (await isNameOf(name, device.userId)) ? device : undefined
    },
  }
}
