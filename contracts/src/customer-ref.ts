import { z } from 'zod'
import { Customer } from './customer.ts'
import { uuid } from './fields.ts'

/** What other records show of a customer. With `include=customer` it has the other fields of a customer as well. */
export const CustomerRef = Customer.partial()
  .extend({
    id: uuid,
    code: z.string().meta({ example: 'CUS-000123' }),
    displayName: z.string().meta({
      example: 'Ana Lovelace',
      description: 'The name and surname as they are now, or the code of a customer without both.',
    }),
  })
  .meta({
    id: 'CustomerRef',
    description:
      'A customer, as other records show it. All fields but `id`, `code` and `displayName` are there only with `include=customer`, and only if the caller may read the customer, it is not in the trash, and customer-service responds in time.',
  })
export type CustomerRef = z.infer<typeof CustomerRef>

/** The query parameter `include` of GET. */
export const includeParameter = z.enum(['customer']).optional().meta({
  description:
    '`customer` shows the whole customer of each record, as `GET /v1/customers/{key}` does. If customers cannot be read within two seconds, the records come with the short form: `id`, `code` and `displayName`.',
})
export type Include = z.infer<typeof includeParameter>
