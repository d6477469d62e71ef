/** What a host needs to check a bus every few minutes: units for systemd, or a line for cron. Pure text; whoever provisions the host installs it. */

/** How the check is run. */
export interface HealthTimerOptions {
  /** Name of the stack. */
  readonly stack: string;
  /** Absolute path of the project. */
  readonly project: string;
  /** Absolute path of the `natsbus` program. */
  readonly program: string;
  /** User that runs it; it must be able to read the credentials. */
  readonly user: string;
  /** Minutes between two checks.
   * @default 5 */
  readonly everyMinutes?: number;
}

/** Text of `natsbus-health-STACK.service`; a check that fails leaves a failed unit. */
function healthService({ stack, project, program, user }: HealthTimerOptions): string {
  return `[Unit]
Description=Health of the natsbus stack ${stack}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${user}
WorkingDirectory=${project}
ExecStart=${program} verify --health --stack ${stack} --nagios
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
`;
}

/** Text of `natsbus-health-STACK.timer`. */
function healthTimer({ stack, everyMinutes = 5 }: HealthTimerOptions): string {
  return `[Unit]
Description=Health of the natsbus stack ${stack}, every ${everyMinutes} minutes

[Timer]
OnBootSec=${everyMinutes}min
OnUnitActiveSec=${everyMinutes}min
AccuracySec=10s

[Install]
WantedBy=timers.target
`;
}

/** A line of `/etc/cron.d/natsbus-health-STACK`; cron mails what it prints, so it prints only when something is wrong. */
function healthCronLine({ stack, project, program, user, everyMinutes = 5 }: HealthTimerOptions): string {
  const command = `out=$(${program} verify --health --stack ${stack} --nagios 2>&1) || echo "$out"`;
  return `*/${everyMinutes} * * * * ${user} cd ${project} && ${command}\n`;
}

/** Units for systemd, and a line for cron where there is none, as files; the folder names where they belong below `/etc`. */
export function healthFiles(options: HealthTimerOptions): { readonly path: string; readonly content: string }[] {
  const name = `natsbus-health-${options.stack}`;
  return [
    { path: `cron.d/${name}`, content: healthCronLine(options) },
    { path: `systemd/system/${name}.service`, content: healthService(options) },
    { path: `systemd/system/${name}.timer`, content: healthTimer(options) },
  ];
}
