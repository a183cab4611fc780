/** Token buckets: a client may send `perMinute` requests at once and then as many a minute, evenly. */

/** Clients remembered at most; the one that was quiet for longest is forgotten first. */
const MAX_CLIENTS = 10_000;

interface Bucket {
  tokens: number;
  /** Milliseconds of the clock. */
  updated: number;
}

export class RateLimit {
  private readonly perMinute: number;
  private readonly now: () => number;
  /** In order of last use. */
  private readonly buckets = new Map<string, Bucket>();

  /** @param perMinute 0 is no limit */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.perMinute = perMinute;
    this.now = now;
  }

  /** Takes one request of the client. 0 where it may go on, else the seconds until it may. */
  take(client: string): number {
    if (this.perMinute === 0) return 0;
    const bucket = this.refilled(client);
    this.buckets.set(client, bucket);
    if (this.buckets.size > MAX_CLIENTS) this.buckets.delete(this.buckets.keys().next().value as string);
    if (bucket.tokens < 1) return this.secondsUntilOne(bucket);
    bucket.tokens -= 1;
    return 0;
  }

  /** Like `take`, without taking: seconds until the client may go on. */
  wait(client: string): number {
    if (this.perMinute === 0 || !this.buckets.has(client)) return 0;
    const bucket = this.refilled(client);
    this.buckets.set(client, bucket);
    return bucket.tokens < 1 ? this.secondsUntilOne(bucket) : 0;
  }

  private refilled(client: string): Bucket {
    const now = this.now();
    const bucket = this.buckets.get(client) ?? { tokens: this.perMinute, updated: now };
    this.buckets.delete(client);
    const refill = ((now - bucket.updated) / 60_000) * this.perMinute;
    return { tokens: Math.min(this.perMinute, bucket.tokens + refill), updated: now };
  }

  private secondsUntilOne(bucket: Bucket): number {
    return Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / this.perMinute));
  }
}
