import { randomBytes } from 'node:crypto'

/** A username for a user who has chosen none: `user-3f9c1e07b2d4`. It shows nothing of the e-mail address. */
export const generateUsername = (): string => `user-${randomBytes(6).toString('hex')}`
