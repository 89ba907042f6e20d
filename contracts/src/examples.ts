import { accountExamples } from './examples/accounts.ts'
import { activityExamples } from './examples/activity.ts'
import { customerExamples } from './examples/customers.ts'
import { jobExamples } from './examples/jobs.ts'
import { orderExamples } from './examples/orders.ts'
import { webhookExamples } from './examples/webhooks.ts'

/**
 * An example of each schema that is the body of a request or a response, by its name in OpenAPI. Pages are made of their items.
 * Documents show them, and a test sends those of requests.
 */
export const examples: Record<string, unknown> = {
  ...accountExamples,
  ...activityExamples,
  ...customerExamples,
  ...jobExamples,
  ...orderExamples,
  ...webhookExamples,
}
