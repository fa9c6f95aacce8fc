import { useEffect, useState } from 'react';

/** "again in N s", counting down to a time in milliseconds, then "again now". */
export function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now);
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  const isOver = seconds === 0;
  useEffect(() => {
    if (isOver) return undefined;
    // The clock is read each time, because browsers delay the timers of hidden tabs.
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [isOver]);
  return (
    // A timer is not announced with every second, unlike the status around it.
    <span role="timer">{isOver ? 'again now.' : `again in ${seconds} s${inMinutes(seconds)}.`}</span>
  );
}

/** Numbers of seconds that say little to people are also given in minutes or hours. */
function inMinutes(seconds: number): string {
  if (seconds <= 120) return '';
  return seconds <= 7200 ? ` (${Math.round(seconds / 60)} minutes)` : ` (${Math.round(seconds / 3600)} hours)`;
}
