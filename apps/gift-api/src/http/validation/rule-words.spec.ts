import type { FieldError } from '@livegift/contracts';
import { BulkGiftLineBody } from '../bodies/bulk-gift-line.body.js';
import { HistoryLineBody } from '../bodies/history-line.body.js';
import { OpenWalletBody } from '../bodies/open-wallet.body.js';
import { PurchaseCoinsBody } from '../bodies/purchase-coins.body.js';
import { BoardQueryString, LogQuery, PageQuery } from '../query-strings.js';
import { compileTextValidator, compileValidator } from './compiled-validator.js';
import type { BodyClass } from './nested.decorator.js';

const errorsOf = (of: BodyClass, value: object, isText = false): readonly FieldError[] =>
  (isText ? compileTextValidator(of, 'query') : compileValidator(of, 'body'))({ ...value }) ?? [];

describe('a rule in words', () => {
  it.each<[BodyClass, object, string]>([
    [PurchaseCoinsBody, { coins: 0 }, 'coins must be a whole number from 1 to 1,000,000,000'],
    [PurchaseCoinsBody, { coins: 1.5 }, 'coins must be a whole number from 1 to 1,000,000,000'],
    [PurchaseCoinsBody, { price: 5 }, 'price must be a JSON object'],
    [PurchaseCoinsBody, { price: { amountMinor: 1, currency: 'eur' } }, 'price.currency must be an ISO 4217 code'],
    [OpenWalletBody, { region: 'de' }, 'region must be ISO 3166-1 alpha-2, or ZZ'],
    [OpenWalletBody, { ageAssured: 'yes' }, 'ageAssured must be true or false'],
    [HistoryLineBody, { at: 'today' }, 'at must be an RFC 3339 time in UTC'],
    [BulkGiftLineBody, { quantity: 1e9 }, 'quantity must be a whole number from 1 to 999,999'],
    [BulkGiftLineBody, { sender: { name: 'x'.repeat(65) } }, 'sender.name must be at most 64 characters'],
  ])('of %p for %j', (of, value, message) => {
    expect(errorsOf(of, value).map((error) => error.message)).toContain(message);
  });

  it.each<[BodyClass, object, string]>([
    [PageQuery, { limit: '0' }, 'limit must be a whole number from 1 to 100'],
    [BoardQueryString, { window: 'year' }, 'window must be one of hour, day, week, month, all'],
    [BoardQueryString, { from: '0' }, 'from must be a whole number of at least 1'],
    [LogQuery, { follow: 'yes' }, 'follow must be one of true, false'],
  ])('of the query %p for %j', (of, value, message) => {
    expect(errorsOf(of, value, true).map((error) => error.message)).toContain(message);
  });

  it('never says the value, and never the library placeholder', () => {
    for (const { message } of errorsOf(PurchaseCoinsBody, { coins: 'hidden', price: 'hidden', provider: 7 })) {
      expect(message).not.toMatch(/hidden|\$/);
    }
  });
});
