import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { ROOT } from './process';

/** With `SCREENSHOTS=1`, `saveScreenshot` writes the pictures of docs/connected-accounts/. */
const SCREENSHOTS = process.env['SCREENSHOTS'] === '1' ? join(ROOT, 'docs', 'connected-accounts') : undefined;

/** The accounts that the page of connected accounts shows. */
export function accounts(page: Page): Locator {
  return page.getByRole('list', { name: 'Connected accounts' }).getByRole('listitem');
}

export function account(page: Page, name: string): Locator {
  return accounts(page).filter({ hasText: name });
}

/** What the page says about the last unlinks. */
export function result(page: Page): Locator {
  return page.getByRole('status');
}

export function dialog(page: Page): Locator {
  return page.getByRole('dialog');
}

export function disconnectButton(page: Page, name: string): Locator {
  return account(page, name).getByRole('button', { name: `Disconnect ${name}` });
}

/** Disconnects an account, and confirms that. */
export async function disconnect(page: Page, name: string): Promise<void> {
  await disconnectButton(page, name).click();
  await dialog(page)
    .getByRole('button', { name: `Disconnect ${name}` })
    .click();
}

/** Waits until the page shows a result with this text. */
export async function expectResult(page: Page, name: string, text: RegExp): Promise<void> {
  const expected = result(page).filter({ hasText: name }).filter({ hasText: text });
  await expected.waitFor({ timeout: 20_000 }).catch(async () => {
    throw new Error(`expected ${name} ${String(text)}, but the page shows:\n${await page.locator('body').innerText()}`);
  });
  await expectPlain(page);
}

/** Checks that a page shows no code, no id, no stack and no value that was not meant for people. */
export async function expectPlain(page: Page): Promise<void> {
  const text = await page.locator('body').innerText();
  expect(text.match(/[A-Z]+_[A-Z_]+|[0-9a-f]{24}|\bat .*:\d+|Error\b|undefined|null|NaN/g)).toBeNull();
}

/** Returns the text of the element that has the focus. */
export async function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.innerText.replace(/\\s+/g, " ")');
}

/** Counts the unlinks that a page sends from now on. */
export function countUnlinks(page: Page): () => number {
  let unlinks = 0;
  page.on('request', (request) => (unlinks += request.postData()?.includes('mutation') === true ? 1 : 0));
  return () => unlinks;
}

/** Replaces texts in the responses that a page gets from now on. */
export async function rewriteResponses(page: Page, texts: Readonly<Record<string, string>>): Promise<void> {
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    const body = await response.text();
    const rewritten = Object.entries(texts).reduce((text, [from, to]) => text.replaceAll(from, to), body);
    await route.fulfill({ response, body: rewritten });
  });
}

/** Saves a picture of the page without the part that is for demonstration only, if pictures are wanted. */
export async function saveScreenshot(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  const size = page.viewportSize() ?? { width: 0, height: 0 };
  const { y = 0, height = 0 } = (await page.getByRole('main').boundingBox()) ?? {};
  // The backdrop of a dialog covers the viewport only.
  await page.setViewportSize({ width: size.width, height: Math.ceil(y + height + 24) });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  await page.setViewportSize(size);
}
