import { useEffect, useState } from 'react';

/** "again in N s", counting down to a time in milliseconds, then "again now". From two minutes on, it also names the time. */
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
  const time = new Date(until).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit' });
  return (
    // A timer is not announced with every second, unlike the status around it.
    <span role="timer">{isOver ? 'again now.' : `again in ${seconds} s${seconds > 120 ? `, at ${time}` : ''}.`}</span>
  );
}
