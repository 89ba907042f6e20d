import { randomUUID } from 'node:crypto'
import type { TestBroker } from '@clientele/platform/testing/broker'

/** An event of user-service, for example `user.updated.v1`, about the user `id`. */
export const userEvent = (type: string, id: string, fields: Record<string, unknown> = {}) =>
  ({
    specversion: '1.0',
    id: randomUUID(),
    source: '/user-service',
    type,
    subject: id,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: {
      id,
      username: 'ana',
      email: `ana.${id}@example.com`,
      emailVerified: false,
      name: 'Ana',
      surname: 'Lovelace',
      displayName: 'Ana Lovelace',
      roles: ['user'],
      enabled: true,
      createdAt: new Date().toISOString(),
      lastLoginAt: null,
      version: 1,
      actor: { id, displayName: 'Ana Lovelace' },
      ...fields,
    },
  }) as Parameters<TestBroker['publish']>[0]
