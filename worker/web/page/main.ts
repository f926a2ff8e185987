import { App } from './app.ts';
import { showNotice } from './view/notices.ts';

new App().start().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  showNotice(`This page does not work: ${reason}`, {
    label: 'Reload',
    run: () => {
      location.reload();
    },
  });
});
