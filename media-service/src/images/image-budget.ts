import { createBudget } from '@clientele/platform/http/work-budget'

const minuteMs = 60_000
const pixelsPerMegapixel = 1_000_000

export type ImageBudget = ReturnType<typeof createImageBudget>

/**
 * Limits the pixels of a user's uploads that are decoded in a minute. Smaller sizes are not charged: each is made once of a stored
 * image, so the uploads bound them.
 */
export const createImageBudget = (megapixelsPerMinute: number) => {
  const limit = megapixelsPerMinute
  const budget = createBudget({ name: 'images', unit: 'megapixels', limit, windowMs: minuteMs })
  return {
    /** @throws Problem 429 if the user has used the budget up */
    assertLeft: (userId: string): void => budget.assertLeft(userId),
    charge: (userId: string, pixels: number): void => budget.charge(userId, pixels / pixelsPerMegapixel),
  }
}
