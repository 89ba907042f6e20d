import { randomUUID } from 'node:crypto'
import { event } from '@clientele/contracts/event'
import { newId } from '@clientele/platform/data/db'
import { z } from 'zod'

export const noteChanged = event('note.changed.v1', z.object({ id: z.string(), text: z.string() }))

/** A `note.changed.v1` event as a consumer receives it. */
export const noteEvent = (text: string, { subject = newId(), version = 1, id = randomUUID() as string } = {}) => ({
  specversion: '1.0',
  id,
  source: '/notes',
  type: 'note.changed.v1',
  subject,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  data: { id: subject, text, version, actor: { id: 'ana', displayName: 'Ana' } },
})
