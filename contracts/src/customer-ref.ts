import { z } from 'zod'
import { uuid } from './fields.ts'

/** What other records show of a customer. */
export const CustomerRef = z
  .object({
    id: uuid,
    code: z.string().meta({ example: 'CUS-000123' }),
    displayName: z.string().meta({
      example: 'Ana Lovelace',
      description: 'Name and surname, or the code of a customer without them.',
    }),
  })
  .meta({ id: 'CustomerRef', description: 'A customer, as other records show it.' })
export type CustomerRef = z.infer<typeof CustomerRef>
