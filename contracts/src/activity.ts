import { z } from 'zod'
import { event } from './event.ts'
import { uuid } from './fields.ts'

/**
 * Personal data was removed from all recorded events about a purged customer. `subject` is the customer, `events` how many of its
 * events were recorded until then.
 */
export const auditRedacted = event(
  'audit.redacted.v1',
  z.object({ id: uuid, events: z.int().min(0), version: z.int().min(1) }),
)
export const activityEvents = [auditRedacted]
